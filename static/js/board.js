// Board: cards are moved by drag (SortableJS), by the keyboard, or in a menu. All three send the same form.
const board = () => document.getElementById("board");
const form = () => document.getElementById("move-card");
const columnOf = (card) => card.closest("[data-status]");
const cardsOf = (column) => column.querySelector("[data-cards]");

function announce(text) {
  const status = board()?.querySelector("[data-board-status]");
  if (status) status.textContent = text;
}

function fill(card, values) {
  const { elements } = form();
  elements.task.value = card.dataset.card;
  elements.version.value = card.dataset.version;
  elements.seen.value = card.dataset.seen;
  for (const name of ["before", "after", "place"]) elements[name].value = values[name] ?? "";
  elements.status.value = values.status;
  elements.idempotency_key.value = crypto.randomUUID();
}

// Send where a card stands now.
function drop(card) {
  const before = card.nextElementSibling?.dataset.card;
  const after = card.previousElementSibling?.dataset.card;
  fill(card, { status: columnOf(card).dataset.status, ...(after ? { after } : before ? { before } : {}) });
  form().requestSubmit();
}

function makeSortable() {
  if (!window.Sortable || board()?.dataset.canEdit !== "yes") return;
  for (const list of board().querySelectorAll("[data-cards]")) {
    if (window.Sortable.get(list)) continue;
    window.Sortable.create(list, {
      // A drop changes the status, not the person or priority of another swimlane.
      group: list.closest(".swimlane")?.getAttribute("aria-label") ?? "board",
      draggable: "[data-card]",
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 140,
      ghostClass: "is-ghost",
      delay: 150,
      delayOnTouchOnly: true,
      onEnd: ({ item, from, to, oldDraggableIndex, newDraggableIndex }) => {
        if (from !== to || oldDraggableIndex !== newDraggableIndex) drop(item);
      },
    });
  }
}

// The keyboard: Space picks up the focused card, arrows move it, Space drops it, Escape puts it back.
let held = null;

function place(column, index) {
  const list = cardsOf(column);
  const others = [...list.children].filter((card) => card !== held.card);
  list.insertBefore(held.card, others[index] ?? null);
  held.handle.focus();
  announce(`${held.card.dataset.key}: ${column.dataset.name ?? column.getAttribute("aria-label")}, ${Math.min(index, others.length) + 1} / ${others.length + 1}`);
}

function moveHeld(key) {
  const column = columnOf(held.card);
  const index = [...cardsOf(column).children].indexOf(held.card);
  if (key === "ArrowUp") return index > 0 && place(column, index - 1);
  if (key === "ArrowDown") return place(column, Math.min(index + 1, cardsOf(column).children.length - 1));
  const columns = [...column.parentElement.querySelectorAll(":scope > [data-status]")];
  const isForward = (key === "ArrowRight") === (getComputedStyle(column).direction === "ltr");
  const next = columns[columns.indexOf(column) + (isForward ? 1 : -1)];
  return next && place(next, Math.min(index, cardsOf(next).children.length));
}

function release() {
  held.card.classList.remove("is-held");
  held = null;
}

function putBack() {
  held.list.insertBefore(held.card, held.next);
  const { handle } = held;
  release();
  handle.focus();
  announce("");
}

document.addEventListener("keydown", (event) => {
  const handle = event.target.closest?.("[data-move]");
  if (!handle || event.ctrlKey || event.metaKey || event.altKey) return;
  const card = handle.closest("[data-card]");
  if (event.key === " ") {
    event.preventDefault();
    if (held?.card === card) {
      const hasMoved = held.list !== card.parentElement || held.next !== card.nextElementSibling;
      release();
      if (hasMoved) drop(card);
    } else {
      if (held) putBack();
      held = { card, handle, list: card.parentElement, next: card.nextElementSibling };
      card.classList.add("is-held");
      place(columnOf(card), [...card.parentElement.children].indexOf(card));
    }
  } else if (held && event.key === "Escape") {
    event.preventDefault();
    putBack();
  } else if (held && event.key.startsWith("Arrow")) {
    event.preventDefault();
    moveHeld(event.key);
  }
});

document.addEventListener("focusout", (event) => {
  // A move of the element in the document takes the focus away too, but gives it back at once.
  if (held && event.target === held.handle) setTimeout(() => held && document.activeElement !== held.handle && putBack());
});

// The menu: the same form in a dialog. Without JavaScript the link shows it on the page.
document.addEventListener("click", (event) => {
  const handle = event.target.closest?.("[data-move]");
  if (!handle || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const card = handle.closest("[data-card]");
  const dialog = document.getElementById("move-dialog");
  dialog.querySelector("[data-move-key]").textContent = card.dataset.key;
  fill(card, { status: columnOf(card).dataset.status });
  dialog.showModal();
});

// The focus returns to the card that was moved, or to the field in which cards are added.
let lastFocus = "";

document.addEventListener("htmx:before:request", (event) => {
  if (!event.target.closest?.("#board")) return;
  const isMove = event.target.id === "move-card";
  lastFocus = isMove ? `[data-card="${event.target.elements.task.value}"] [data-move]` : `#${document.activeElement?.id || "board"}`;
  document.getElementById("move-dialog")?.close();
});

document.addEventListener("htmx:after:swap", (event) => {
  makeSortable();
  // The swap keeps what was typed, also in the field of a task that exists by now.
  if (event.detail.ctx?.response?.status < 400) for (const added of document.querySelectorAll("form.add-card")) added.reset();
  if (lastFocus) board()?.querySelector(lastFocus)?.focus({ preventScroll: true });
  lastFocus = "";
});

window.addEventListener("DOMContentLoaded", makeSortable);
if (document.readyState !== "loading") makeSortable();
