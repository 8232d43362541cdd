// Says what happened, in the one polite live region. A toast stays while it is pointed at or focused.
const region = document.getElementById("toasts");

function arm(toast) {
  toast.querySelector("button")?.addEventListener("click", () => toast.remove());
  const expire = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(expire, 2000);
    else toast.remove();
  };
  setTimeout(expire, 6000);
}

function show(text) {
  const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  toast.querySelector("span").textContent = text;
  region.append(toast);
  arm(toast);
}

if (region) {
  region.querySelectorAll(".toast").forEach(arm);
  document.addEventListener("toast", (event) => show(event.detail.value ?? event.detail.text));
  document.addEventListener("htmx:response:error", (event) => {
    const { status } = event.detail.ctx.response;
    if (status !== 422 && status !== 409) show(region.dataset.failed);
  });
  document.addEventListener("htmx:error", () => show(region.dataset.offline));
}
