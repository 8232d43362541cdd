// Keyboard: c new task, / search, g then a letter goes to a page, ? lists them. Off with data-keys="off" (WCAG 2.1.4).
const TYPING = "input, textarea, select, [contenteditable]";
let pending = "";
let pendingTimer;

const sheet = document.getElementById("shortcuts");
const quickAdd = document.getElementById("quick-add");

function newTask() {
  if (!quickAdd?.showPopover) return;
  quickAdd.showPopover();
  quickAdd.querySelector("input[name=title]").focus();
}

function goTo(letter) {
  document.querySelector(`a[data-go="${letter}"]`)?.click();
}

const actions = {
  c: newTask,
  "/": () => document.getElementById("search")?.focus(),
  "?": () => sheet?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.documentElement.dataset.keys === "off" || event.target.closest(TYPING)) return;
  if (pending === "g") {
    pending = "";
    goTo(event.key);
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
  if (event.target.closest("[data-open-shortcuts]")) sheet?.showModal();
  if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
});

quickAdd?.addEventListener("toggle", (event) => {
  if (event.newState === "open") quickAdd.querySelector("input[name=title]").focus();
});
