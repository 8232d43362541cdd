// Marks that scripts run, so that pages can hide what only serves those without.
document.documentElement.classList.add("has-js");

// On a phone the filters start folded, unless one of them is in use.
if (matchMedia("(width <= 48rem)").matches) {
  for (const box of document.querySelectorAll("details.filter-box:not([data-active])")) box.open = false;
}
