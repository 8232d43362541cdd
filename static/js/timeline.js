// Timeline: the dates of a task are changed in a dialog. Without JavaScript the link shows the form on the page.
document.addEventListener("click", (event) => {
  const handle = event.target.closest?.("[data-dates]");
  const form = document.getElementById("task-dates");
  if (!handle || !form || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const { dataset } = handle.closest("[data-card]");
  const dialog = document.getElementById("dates-dialog");
  dialog.querySelector("[data-dates-key]").textContent = dataset.key;
  const { elements } = form;
  elements.task.value = dataset.card;
  elements.version.value = dataset.version;
  elements.start.value = elements.seen_start.value = dataset.start;
  elements.due.value = elements.seen_due.value = dataset.due;
  elements.idempotency_key.value = crypto.randomUUID();
  dialog.showModal();
});

// The focus returns to the task that was changed.
let lastFocus = "";

document.addEventListener("htmx:before:request", (event) => {
  if (event.target.id !== "task-dates") return;
  lastFocus = `[data-card="${event.target.elements.task.value}"] [data-dates]`;
  document.getElementById("dates-dialog")?.close();
});

document.addEventListener("htmx:after:swap", () => {
  if (!lastFocus) return;
  const timeline = document.getElementById("timeline");
  (timeline.querySelector(lastFocus) ?? timeline).focus({ preventScroll: true });
  lastFocus = "";
});
