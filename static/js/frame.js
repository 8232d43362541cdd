// Mark that JavaScript runs, so that CSS can hide the fallback controls.
document.documentElement.classList.add("has-js");

// On a phone the filters start collapsed, unless one of them is active.
if (matchMedia("(width <= 48rem)").matches) {
  for (const filters of document.querySelectorAll("details.filter-box:not([data-active])")) {
    filters.open = false;
    filters.dataset.ready = "";
  }
}

// A new account begins in the browser's time zone.
for (const input of document.querySelectorAll("input[data-time-zone]")) {
  input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}
