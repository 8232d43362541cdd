// Copy a task's reference; a second and third time within two seconds its title and address too.
const REPEAT_MS = 2000;
let last = 0;
let times = 0;

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const now = Date.now();
  times = now - last < REPEAT_MS ? (times % 3) + 1 : 1;
  last = now;
  const { copy, copyTitle } = button.dataset;
  const parts = copyTitle ? [copy, copyTitle, new URL(`/tasks/${copy}/`, location.href).href].slice(0, times) : [copy];
  const text = parts.join(" ");
  let message = `Copied: ${text}`;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    message = `The browser doesn't allow to copy. The reference is ${text}`;
  }
  document.dispatchEvent(new CustomEvent("toast", { detail: { text: message } }));
});
