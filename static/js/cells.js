// Fields edited where they stand. The form of a cell comes from the server and stands beside the link that asked for it,
// which CSS hides meanwhile; Escape or Cancel takes the form away. The focus returns to the cell.
let saved = "";

const hostOf = (form) => form.parentElement;
const linkOf = (root, name) => root?.querySelector(`.cell[data-cell="${name}"], [data-cell-form="${name}"] select`);

function close(form) {
  const name = form.dataset.cellForm;
  const host = hostOf(form);
  form.remove();
  const link = linkOf(host, name) ?? document.getElementById(`cell-${name}`);
  (link ?? host.querySelector("a"))?.focus();
}

document.addEventListener("click", (event) => {
  const form = event.target.closest?.("[data-cancel]")?.closest(".cell-form");
  // On a page of its own, Cancel is a link back.
  if (!form || form.closest("[data-own-page]")) return;
  event.preventDefault();
  close(form);
});

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.(".cell-form");
  if (event.key !== "Escape" || !form || event.defaultPrevented) return;
  event.preventDefault();
  form.querySelector("[data-cancel]")?.click();
});

document.addEventListener("submit", (event) => {
  saved = event.target.dataset?.cellForm ?? "";
});

document.addEventListener("htmx:after:swap", (event) => {
  const { target } = event.detail.ctx ?? {};
  const host = target?.id ? (document.getElementById(target.id) ?? target) : target;
  if (host?.matches?.(".row-menu") || event.target.matches?.(".row-menu")) return;
  const forms = host?.querySelectorAll?.(".cell-form") ?? [];
  const form = forms[forms.length - 1];
  if (form) {
    // A second click before the form came gives a second one.
    for (const other of forms) if (other !== form) other.remove();
    for (const menu of host.closest("tr")?.querySelectorAll("details.row-menu[open]") ?? []) menu.open = false;
    (form.querySelector("[aria-invalid=true]") ?? form.querySelector("input:not([type=hidden]), select, textarea, button"))?.focus();
  } else if (host?.matches?.("tr") && saved) {
    // The keys of the list may have moved on to the next row.
    if (document.activeElement !== document.body && !host.contains(document.activeElement)) saved = "";
    else linkOf(host, saved)?.focus() ?? (document.activeElement === document.body && host.querySelector(".task-title > a")?.focus());
    saved = "";
  }
});

// A menu that was asked for by its link has the focus.
document.addEventListener("htmx:after:settle", focusMenu);
document.addEventListener("htmx:finally:request", focusMenu);
function focusMenu() {
  if (document.activeElement === document.body) document.querySelector("details.row-menu[open] .menu-panel a")?.focus();
}
