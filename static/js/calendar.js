// Calendar: tasks are moved to another day by drag (SortableJS) or in a dialog. Both send the same form.
const calendar = () => document.getElementById("calendar");
const form = () => document.getElementById("move-task");

function fill(card, day) {
  const { elements } = form();
  elements.task.value = card.dataset.card;
  elements.version.value = card.dataset.version;
  elements.seen.value = card.dataset.seen;
  elements.day.value = day;
  elements.idempotency_key.value = crypto.randomUUID();
}

function makeSortable() {
  if (!window.Sortable || !form()) return;
  for (const list of calendar().querySelectorAll("[data-day]")) {
    if (window.Sortable.get(list)) continue;
    window.Sortable.create(list, {
      group: "calendar",
      draggable: "[data-movable]",
      sort: false,
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 140,
      ghostClass: "is-ghost",
      delay: 150,
      delayOnTouchOnly: true,
      onEnd: ({ item, from, to }) => {
        if (from === to) return;
        fill(item, to.dataset.day);
        form().requestSubmit();
      },
    });
  }
}

// The dialog. Without JavaScript the link shows the form on the page.
document.addEventListener("click", (event) => {
  const handle = event.target.closest?.("[data-move]");
  if (!handle || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const card = handle.closest("[data-card]");
  const dialog = document.getElementById("move-dialog");
  dialog.querySelector("[data-move-key]").textContent = card.dataset.key;
  fill(card, card.dataset.seen);
  dialog.showModal();
});

// The focus returns to the task that was moved.
let lastFocus = "";

document.addEventListener("htmx:before:request", (event) => {
  if (event.target.id !== "move-task") return;
  lastFocus = `[data-card="${event.target.elements.task.value}"] [data-move]`;
  document.getElementById("move-dialog")?.close();
});

document.addEventListener("htmx:after:swap", () => {
  makeSortable();
  if (!lastFocus) return;
  // A task stands in the month and in the agenda, one of which is hidden.
  const handles = [...calendar().querySelectorAll(lastFocus)].filter((handle) => handle.checkVisibility());
  (handles[0] ?? calendar()).focus({ preventScroll: true });
  lastFocus = "";
});

window.addEventListener("DOMContentLoaded", makeSortable);
if (document.readyState !== "loading") makeSortable();
