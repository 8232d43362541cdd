// Toasts in a polite live region. A toast stays while it is hovered or focused (WCAG 2.2.1).
const region = document.getElementById("toasts");

function scheduleRemoval(toast) {
  toast.querySelector("button")?.addEventListener("click", () => toast.remove());
  const removeWhenIdle = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(removeWhenIdle, 2000);
    else toast.remove();
  };
  setTimeout(removeWhenIdle, 6000);
}

function show(text) {
  const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  toast.querySelector("span").textContent = text;
  region.append(toast);
  scheduleRemoval(toast);
}

if (region) {
  region.querySelectorAll(".toast").forEach(scheduleRemoval);
  document.addEventListener("toast", (event) => show(event.detail.value ?? event.detail.text));
  document.addEventListener("htmx:response:error", (event) => {
    const { status } = event.detail.ctx.response;
    if (status !== 422 && status !== 409) show(region.dataset.failed);
  });
  document.addEventListener("htmx:error", () => show(region.dataset.offline));
}
