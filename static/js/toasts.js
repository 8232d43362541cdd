// Toasts in a polite live region. A toast stays while it is hovered or focused (WCAG 2.2.1).
const region = document.getElementById("toasts");

function scheduleRemoval(toast) {
  toast.querySelector("button[type=button]")?.addEventListener("click", () => toast.remove());
  const removeWhenIdle = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(removeWhenIdle, 2000);
    else toast.remove();
  };
  // Longer where there is something to decide.
  setTimeout(removeWhenIdle, toast.querySelector("form:not([hidden])") ? 12000 : 6000);
}

function show(text, undo = "") {
  const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  toast.querySelector("span").textContent = text;
  const form = toast.querySelector("form");
  if (form && undo) {
    form.elements.token.value = undo;
    form.elements.next.value = location.pathname + location.search;
    form.hidden = false;
  }
  region.append(toast);
  scheduleRemoval(toast);
}

if (region) {
  region.querySelectorAll(".toast").forEach(scheduleRemoval);
  document.addEventListener("toast", (event) => show(event.detail.value ?? event.detail.text, event.detail.undo));
  document.addEventListener("htmx:response:error", (event) => {
    const { status } = event.detail.ctx.response;
    if (status !== 422 && status !== 409) show(region.dataset.failed);
  });
  document.addEventListener("htmx:error", () => show(region.dataset.offline));
}
