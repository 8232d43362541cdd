// Suggestions of the server for text fields with data-suggest (filters, tasks), and for keys of tasks such as OPS-4 in text
// areas. Arrow keys choose, Enter or Tab takes, Escape closes; Enter without a choice sends the form as always.
const DELAY = 150;
const TYPED_KEY = /(?:^|[\s(])([A-Z][A-Z0-9]{0,9}-[0-9]{0,9})$/;
let list; // of the field with the focus
let field;
let start = 0; // in the field, of the text that was sent
let timer;
let request;

function close() {
  clearTimeout(timer);
  request?.abort();
  list?.remove();
  if (list) {
    field.setAttribute("aria-expanded", "false");
    for (const name of ["aria-controls", "aria-activedescendant"]) field.removeAttribute(name);
    if (field.matches("textarea")) field.removeAttribute("aria-expanded");
  }
  list = field = undefined;
}

function mark(option) {
  for (const other of list.children) other.setAttribute("aria-selected", String(other === option));
  if (option) field.setAttribute("aria-activedescendant", option.id);
  option?.scrollIntoView({ block: "nearest" });
}

// The text up to the cursor, and the address that knows what may follow it.
function query(target) {
  const text = target.value.slice(0, target.selectionStart);
  if (target.dataset.suggest) return { url: target.dataset.suggest, text, from: 0 };
  const typed = target.matches("textarea") && text.match(TYPED_KEY)?.[1];
  return typed ? { url: document.body.dataset.taskSuggestions, text: typed, from: text.length - typed.length } : undefined;
}

async function suggest(target, { url, text, from }) {
  request = new AbortController();
  let html;
  try {
    const response = await fetch(`${url}?${new URLSearchParams({ text })}`, { signal: request.signal });
    // Without a session the answer is the page to sign in.
    if (!response.ok || response.redirected) return;
    html = await response.text();
  } catch {
    return; // offline, or something else was typed meanwhile
  }
  if (document.activeElement !== target || target.value.slice(from, target.selectionStart) !== text) return;
  close();
  const options = new DOMParser().parseFromString(html, "text/html").querySelectorAll("[role=option]");
  if (!options.length) return;
  field = target;
  start = from;
  list = document.createElement("ul");
  list.id = "text-suggestions";
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  list.append(...options);
  field.after(list);
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "true");
}

function take(option) {
  const end = field.selectionStart;
  const typed = field.value.slice(start, end);
  // The server counts code points.
  const from = start + [...typed].slice(0, Number(option.dataset.start)).join("").length;
  const target = field;
  const { text } = option.dataset;
  close();
  const replacement = target.matches("textarea") ? `${text} ` : text;
  target.setRangeText(replacement, from, end, "end");
  target.focus();
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

function ask(target) {
  close();
  const asked = query(target);
  if (asked) timer = setTimeout(() => suggest(target, asked), DELAY);
}

document.addEventListener("focusin", ({ target }) => {
  if (!target.dataset?.suggest || target.role) return;
  target.role = "combobox";
  target.setAttribute("aria-autocomplete", "list");
  target.setAttribute("aria-expanded", "false");
});

document.addEventListener("input", (event) => {
  const { target } = event;
  if (target.matches("textarea, input[data-suggest]") && !event.isComposing) ask(target);
});

// Before the other listeners: Enter and Escape belong to the open list.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!list) {
      if (event.key === "ArrowDown" && event.target.dataset?.suggest) {
        event.preventDefault();
        ask(event.target);
      }
      return;
    }
    const chosen = list.querySelector("[aria-selected=true]");
    if (event.key === "ArrowDown") mark(chosen?.nextElementSibling ?? list.firstElementChild);
    else if (event.key === "ArrowUp") mark(chosen?.previousElementSibling ?? list.lastElementChild);
    else if (event.key === "Enter" && chosen) take(chosen);
    else if (event.key === "Tab" && chosen && !event.shiftKey) take(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("#text-suggestions [role=option]");
  if (!option) return;
  event.preventDefault(); // the field keeps the focus
  take(option);
});

document.addEventListener("focusout", close);
document.addEventListener("submit", close);
