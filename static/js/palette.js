// Command palette: a combobox in a dialog, whose results the server renders. Arrow keys choose, Enter runs, Escape closes.
const dialog = document.getElementById("palette");
const input = document.getElementById("palette-text");
const results = document.getElementById("palette-results");
const status = document.getElementById("palette-status");
// Text whose results are shown, and whether Enter was pressed before they came.
let shownText;
let runWhenShown = false;

const options = () => [...results.querySelectorAll("[role=option]")];
const selected = () => results.querySelector("[aria-selected=true]");

function select(option) {
  selected()?.setAttribute("aria-selected", "false");
  if (!option) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  option.setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = options();
  const place = all.indexOf(selected()) + step;
  select(all[(place + all.length) % all.length]);
}

function open() {
  if (!dialog || dialog.open) return;
  for (const other of document.querySelectorAll("dialog[open]")) other.close();
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  dialog.showModal();
  input.select();
  refresh();
}

// htmx listens a moment after the page has loaded: a palette that was opened before asks again.
const MAX_TRIES = 20;

function refresh(tries = MAX_TRIES) {
  shownText = undefined;
  delete input.dataset.asked;
  input.form.dispatchEvent(new Event("refresh"));
  setTimeout(() => tries > 1 && dialog.open && !("asked" in input.dataset) && refresh(tries - 1), 100);
}

function run() {
  if (shownText !== input.value) runWhenShown = true;
  else selected()?.click();
}

if (dialog) {
  document.addEventListener("open-palette", () => (dialog.open ? dialog.close() : open()));
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-open-palette]")) return;
    event.preventDefault();
    open();
  });

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") run();
    else return;
    event.preventDefault();
  });
  input.addEventListener("input", () => (runWhenShown = false));
  dialog.addEventListener("close", () => (runWhenShown = false));

  document.addEventListener("htmx:before:request", (event) => {
    if (event.target === input.form) input.dataset.asked = input.value;
  });
  document.addEventListener("htmx:after:swap", () => {
    const list = document.getElementById("palette-list");
    if (!dialog.open || !list || list.dataset.seen) return;
    list.dataset.seen = "";
    shownText = input.dataset.asked;
    status.textContent = results.querySelector("[data-status]")?.dataset.status ?? "";
    select(options()[0]);
    if (runWhenShown && shownText === input.value) run();
  });

  // A click beside the dialog closes it; one on an option does what the option says, after the dialog has closed.
  dialog.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (event.target === dialog) dialog.close();
    // What the page itself can do at once: the same as its key.
    const control = option?.dataset.shortcut && document.querySelector(`[data-key="${option.dataset.shortcut}"]`);
    if (control) {
      event.preventDefault();
      dialog.close();
      control.click();
    } else if (option && !option.form) setTimeout(() => dialog.close());
  });
  if (/Mac|iPhone|iPad/.test(navigator.platform)) {
    for (const key of document.querySelectorAll("[data-palette-key]")) key.textContent = "⌘ K";
  }
}
