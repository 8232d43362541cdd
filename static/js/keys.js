// Keyboard shortcuts: c new task, / search, g then a letter goes to a page, ? shows all. data-keys="off" turns them off
// (WCAG 2.1.4).
const TEXT_INPUTS = "input, textarea, select, [contenteditable]";
let pending = "";
let pendingTimer;

const shortcutsDialog = document.getElementById("shortcuts");
const quickAdd = document.getElementById("quick-add");

function newTask() {
  if (!quickAdd?.showPopover) return;
  quickAdd.showPopover();
  quickAdd.querySelector("input[name=text]").focus();
}

function goToPage(letter) {
  document.querySelector(`a[data-go="${letter}"]`)?.click();
}

const actions = {
  c: newTask,
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
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  if (document.documentElement.dataset.keys === "off" || event.target.closest(TEXT_INPUTS)) return;
  const key = keyOf(event);
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
  const action = actions[key];
  if (action) {
    event.preventDefault();
    action();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-shortcuts]")) shortcutsDialog?.showModal();
  if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
});

quickAdd?.addEventListener("toggle", (event) => {
  if (event.newState === "open") quickAdd.querySelector("input[name=text]").focus();
});
