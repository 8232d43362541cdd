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
  quickAdd.querySelector("input[name=title]").focus();
}

function goToPage(letter) {
  document.querySelector(`a[data-go="${letter}"]`)?.click();
}

const actions = {
  c: newTask,
  "/": () => document.getElementById("search")?.focus(),
  "?": () => shortcutsDialog?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.documentElement.dataset.keys === "off" || event.target.closest(TEXT_INPUTS)) return;
  if (pending === "g") {
    pending = "";
    goToPage(event.key);
    return;
  }
  if (event.key === "g") {
    pending = "g";
    clearTimeout(pendingTimer);
    pendingTimer = setTimeout(() => (pending = ""), 1000);
    return;
  }
  const action = actions[event.key];
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
  if (event.newState === "open") quickAdd.querySelector("input[name=title]").focus();
});
