// Forms: one submission at a time, selects that save by themselves, and short filter URLs.
// The server makes a form sent twice one write by its idempotency key; this keeps the second request from being sent.
const MAX_BUSY_MS = 15000; // a response that never replaces the page, such as a download
const busyTimers = new WeakMap();

function setBusy(form, busy) {
  clearTimeout(busyTimers.get(form));
  form.toggleAttribute("data-busy", busy);
  for (const button of form.querySelectorAll("button:not([type=button])")) {
    if (busy && !button.disabled) {
      // Disabling takes the focus away; it is given back when the request has ended.
      if (button === document.activeElement) button.dataset.focused = "";
      button.disabled = true;
      button.dataset.busy = "";
    } else if (!busy && "busy" in button.dataset) {
      button.disabled = false;
      if ("focused" in button.dataset && document.activeElement === document.body) button.focus();
      delete button.dataset.busy;
      delete button.dataset.focused;
    }
  }
  if (busy) busyTimers.set(form, setTimeout(() => setBusy(form, false), MAX_BUSY_MS));
}

const showToast = (text) => document.dispatchEvent(new CustomEvent("toast", { detail: { text } }));

// Capture, so that it comes before htmx.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.hasAttribute("data-busy")) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (!navigator.onLine) {
      // A full page would be replaced by the browser's error page.
      event.preventDefault();
      event.stopImmediatePropagation();
      showToast(document.getElementById("toasts")?.dataset.offline);
      restoreSelects(form);
    }
  },
  true,
);

document.addEventListener("submit", (event) => {
  const form = event.target;
  // Scripts that send a form themselves (htmx, passkeys) prevent the default.
  if (form.method !== "post" || event.defaultPrevented) return;
  // After the browser has read the form: a disabled button would not be part of it.
  setTimeout(() => setBusy(form, true));
  form.setAttribute("data-busy", "");
});

document.addEventListener("htmx:before:request", (event) => {
  if (event.target.matches?.("form[method=post]")) setBusy(event.target, true);
});

document.addEventListener("htmx:finally:request", (event) => {
  const form = event.target;
  if (!form.matches?.("form[method=post]")) return;
  setBusy(form, false);
  const status = event.detail.ctx.response?.status;
  if (status === undefined || status >= 400) restoreSelects(form);
});

// A page that comes back from the back-forward cache may send its forms again, on purpose.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-busy]")) setBusy(form, false);
  for (const field of document.querySelectorAll("input[name=idempotency_key]")) field.value = crypto.randomUUID();
  for (const form of document.forms) restoreSelects(form);
});

// Selects that save when they change. An arrow key changes a closed select at every step, so a choice made by keys is
// saved on Enter or when the focus leaves; Escape takes it back. Without JavaScript the form shows a button instead.
const STEPPING_KEYS = new Set(["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]);
const AUTO_SUBMIT = "select[data-submit]";

const hasChanged = (select) => ![...select.options].every((option) => option.selected === option.defaultSelected);

function restoreSelects(form) {
  for (const select of form.querySelectorAll(AUTO_SUBMIT)) {
    for (const option of select.options) option.selected = option.defaultSelected;
    delete select.dataset.stepping;
  }
}

function save(select) {
  delete select.dataset.stepping;
  if (hasChanged(select)) select.form.requestSubmit();
}

document.addEventListener("pointerdown", (event) => {
  const select = event.target.closest?.(AUTO_SUBMIT);
  if (select) delete select.dataset.stepping;
});

document.addEventListener("keydown", (event) => {
  const select = event.target.closest?.(AUTO_SUBMIT);
  if (!select || event.altKey || event.ctrlKey || event.metaKey) return;
  const isLetter = event.key.length === 1 && event.key !== " ";
  if (STEPPING_KEYS.has(event.key) || isLetter) select.dataset.stepping = "";
  else if (event.key === " ") delete select.dataset.stepping; // opens the list, in which a choice is final
  else if (event.key === "Escape" && "stepping" in select.dataset) restoreSelects(select.form);
  else if (event.key === "Enter" && "stepping" in select.dataset) {
    event.preventDefault();
    save(select);
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches(AUTO_SUBMIT) && !("stepping" in event.target.dataset)) save(event.target);
});

document.addEventListener("focusout", (event) => {
  if (event.target.matches?.(AUTO_SUBMIT) && "stepping" in event.target.dataset) save(event.target);
});

// The key of a new project follows its name until somebody types another one.
document.addEventListener("input", (event) => {
  const key = event.target.form?.querySelector("[data-key-of]");
  if (key === event.target) delete key.dataset.keyOf;
  else if (key?.dataset.keyOf === event.target.name) key.value = proposedKey(event.target.value);
});

// The initials of three words and more, else the beginning of the first one.
function proposedKey(name) {
  const words = name.normalize("NFD").toUpperCase().split(/\s+/).map((word) => word.replace(/[^A-Z0-9]/g, "")).filter(Boolean);
  const key = words.length > 2 ? words.map((word) => word[0]).join("") : (words[0] ?? "").slice(0, 4);
  return key.replace(/^[0-9]+/, "").slice(0, 10);
}

// Sending with the keyboard from a field that takes several lines.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches("form[method=post] textarea")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

// A form that adds one of several is ready for the next one on the page that follows.
const REFOCUS = "refocus";
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !event.target.matches("form[data-refocus]")) return;
  try {
    sessionStorage.setItem(REFOCUS, event.target.querySelector("input:not([type=hidden])").id);
  } catch {
    // Storage is off or full: the focus is at the top, as after every navigation.
  }
});
try {
  const id = sessionStorage.getItem(REFOCUS);
  sessionStorage.removeItem(REFOCUS);
  if (id) document.getElementById(id)?.focus();
} catch {
  // As above.
}

// What a person opens in order to type in it has the focus in its first field.
document.addEventListener("click", (event) => {
  const details = event.target.closest?.("summary")?.parentElement;
  if (!details?.matches(".panel, .edit-box, .card-foot") || details.open) return;
  setTimeout(() => details.querySelector("input:not([type=hidden], [type=file]), select, textarea")?.focus());
});

// Move the focus to the first field with an error, after loading and after htmx has replaced a form.
const focusFirstError = (root) => root.querySelector?.("form[method=post] [aria-invalid=true]")?.focus();
focusFirstError(document);
document.addEventListener("htmx:after:swap", (event) => focusFirstError(event.detail.ctx?.target ?? event.target));

// One history entry for a search, however many requests are sent while it is typed.
document.addEventListener("htmx:before:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceEvent?.type === "input" && new URLSearchParams(location.search).has("search")) {
    ctx.push = null;
    ctx.replace = "true";
  }
});

// Keep URLs short: filters at their default value are left out of the query string.
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) {
    const defaultValue = event.target.elements[name]?.dataset?.default ?? "";
    if (value === defaultValue) event.formData.delete(name);
  }
});

// Where there are hundreds of people, a list gets their names once it is used.
async function fillOptions({ target }) {
  const select = target.closest?.("select[data-options-url]");
  if (!select) return;
  const url = select.dataset.optionsUrl;
  delete select.dataset.optionsUrl;
  const response = await fetch(url).catch(() => null);
  if (!response?.ok) {
    select.dataset.optionsUrl = url;
    return;
  }
  const known = new Set([...select.options].map((option) => option.value));
  const page = new DOMParser().parseFromString(`<select>${await response.text()}</select>`, "text/html");
  for (const option of page.querySelectorAll("option")) if (!known.has(option.value)) select.add(new Option(option.text, option.value));
}
document.addEventListener("focusin", fillOptions);
document.addEventListener("pointerover", fillOptions);
