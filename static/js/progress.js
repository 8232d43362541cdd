// A thin bar after 150 ms of waiting, and aria-busy on what waits.
const bar = document.querySelector(".progress");
let waiting = 0;
let timer;

document.addEventListener("htmx:before:request", (event) => {
  waiting += 1;
  event.target.setAttribute?.("aria-busy", "true");
  timer ??= setTimeout(() => bar?.classList.add("busy"), 150);
});

document.addEventListener("htmx:finally:request", (event) => {
  waiting = Math.max(0, waiting - 1);
  event.target.removeAttribute?.("aria-busy");
  if (waiting) return;
  clearTimeout(timer);
  timer = undefined;
  bar?.classList.remove("busy");
});
