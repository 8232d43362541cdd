// Show a progress bar after 150 ms and mark the requesting element with aria-busy.
const bar = document.querySelector(".progress");
let pendingRequests = 0;
let timer;

document.addEventListener("htmx:before:request", (event) => {
  pendingRequests += 1;
  event.target.setAttribute?.("aria-busy", "true");
  timer ??= setTimeout(() => bar?.classList.add("busy"), 150);
});

document.addEventListener("htmx:finally:request", (event) => {
  pendingRequests = Math.max(0, pendingRequests - 1);
  event.target.removeAttribute?.("aria-busy");
  if (pendingRequests) return;
  clearTimeout(timer);
  timer = undefined;
  bar?.classList.remove("busy");
});
