// Keyboard shortcuts: an element with data-key is clicked by its key, g then a letter goes to a page, ? shows all, and
// j, k, x and e work on the rows of a task list. data-keys="off" turns single keys off (WCAG 2.1.4).
const TEXT_INPUTS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const ROW = ".task-table tbody tr[id]";
let pending = "";
let pendingTimer;
// Whether the focus was moved to a row by a key, and the place of that row.
let rowByKey = false;
let rowPlace = -1;

const shortcutsDialog = document.getElementById("shortcuts");
const quickAdd = document.getElementById("quick-add");

function goToPage(letter) {
  document.querySelector(`a[data-go="${letter}"]`)?.click();
}

const rows = () => [...document.querySelectorAll(ROW)];
const currentRow = () => document.activeElement?.closest(ROW);
const titleOf = (row) => row?.querySelector(".task-title > a");

function moveToRow(step) {
  const all = rows();
  if (!all.length) return;
  const current = all.indexOf(currentRow());
  const start = current >= 0 ? current : rowPlace;
  rowPlace = Math.min(Math.max(start + step, 0), all.length - 1);
  rowByKey = true;
  titleOf(all[rowPlace])?.focus();
}

function selectRow() {
  const box = currentRow()?.querySelector("input[name=ids]:not(:disabled)");
  if (!box) return;
  box.click();
  moveToRow(1);
}

function edit() {
  const link = titleOf(currentRow());
  if (link) location.assign(`${link.href}#edit`);
}

// Fields of the task in focus in a list, or of the task that the page shows, by their letters.
const FIELDS = { a: "assignees", d: "due", l: "labels", p: "priority" };
const fieldOf = (name) => (currentRow() ?? document.querySelector(".task-page, main"))?.querySelector(`a[data-cell="${name}"]`);
const isOfOneTask = () => Boolean(currentRow() ?? document.getElementById("task-name"));
const statusOf = () => (currentRow() ?? document.querySelector(".page-head"))?.querySelector("select[name=status][data-submit]");

// A key may be faster than htmx, without which the link leads to a page of its own.
function pressWhenReady(field, tries = 20) {
  if ("htmxPowered" in field.dataset || !tries) field.click();
  else setTimeout(pressWhenReady, 50, field, tries - 1);
}

function complete() {
  const status = statusOf();
  const done = status?.querySelector("[data-done]");
  if (!done || done.selected) return;
  done.selected = true;
  status.dispatchEvent(new Event("change", { bubbles: true }));
}

// Clicking opens a panel at once but the browser says so later, when the next key may have been typed.
function press(control) {
  control.click();
  control.popoverTargetElement?.querySelector("input[name=text]")?.focus();
}

const actions = {
  j: () => moveToRow(1),
  k: () => moveToRow(-1),
  x: selectRow,
  s: () => statusOf()?.focus(),
  t: complete,
  "/": () => document.getElementById("search")?.focus(),
  "?": () => shortcutsDialog?.showModal(),
};

// The key's Latin letter or sign. Caps Lock gives capitals, and other scripts (Cyrillic, Greek, Hebrew, Arabic) have the
// place of the key alone, as on an English keyboard.
function keyOf(event) {
  const key = event.key.toLowerCase();
  if (key.length !== 1 || key < "\u0080") return key;
  if (event.code.startsWith("Key")) return event.code.slice(3).toLowerCase();
  return event.code === "Slash" ? (event.shiftKey ? "?" : "/") : key;
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.defaultPrevented || event.isComposing) return;
  const key = keyOf(event);
  if (event.ctrlKey || event.metaKey) {
    if (key !== "k" || event.shiftKey || !document.getElementById("palette")) return;
    event.preventDefault();
    document.dispatchEvent(new Event("open-palette"));
    return;
  }
  if (document.documentElement.dataset.keys === "off" || event.target.closest(TEXT_INPUTS)) return;
  if (document.querySelector("dialog[open]")) return;
  if (pending === "g") {
    pending = "";
    goToPage(key);
    return;
  }
  if (key === "g") {
    pending = "g";
    clearTimeout(pendingTimer);
    pendingTimer = setTimeout(() => (pending = ""), 1000);
    return;
  }
  const control = /^[a-z.]$/.test(key) && document.querySelector(`[data-key="${key}"]`);
  if (key in FIELDS && isOfOneTask()) {
    const field = fieldOf(FIELDS[key]);
    if (field) event.preventDefault();
    if (field) pressWhenReady(field);
    return;
  }
  const action = key === "e" && currentRow() ? edit : control ? () => press(control) : actions[key];
  if (action) {
    event.preventDefault();
    action();
  }
});

document.addEventListener("pointerdown", () => (rowByKey = false));

// After a change of the row that was reached by keys, the next one is in focus.
document.addEventListener("htmx:after:swap", (event) => {
  const { target, response } = event.detail.ctx ?? {};
  if (rowByKey && target?.matches?.(ROW) && (response?.status ?? 200) < 400) setTimeout(() => moveToRow(1));
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-shortcuts]")) shortcutsDialog?.showModal();
  if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
});

quickAdd?.addEventListener("toggle", (event) => {
  if (event.newState === "open") quickAdd.querySelector("input[name=text]").focus();
});

// The form of a task is open when its address says so.
if (location.hash === "#edit") document.querySelector("details#edit:not([open]) > summary")?.click();
