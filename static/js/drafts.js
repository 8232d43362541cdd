// Drafts: what is typed survives a session that ends, an error page and going back. They are kept in this tab only, for
// the signed-in user, and removed when the form is saved, cancelled or the user signs out. Passwords and files are never kept.
// Long texts of a task, its description and comments, survive the tab as well.
const STORE = "drafts";
const userId = document.body.dataset.user ?? "";
const SKIPPED_TYPES = new Set(["hidden", "password", "file", "submit", "button", "image", "reset"]);
const SKIPPED_AUTOCOMPLETE = new Set(["one-time-code", "current-password", "new-password"]);

function readDrafts() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE)) ?? {};
  } catch {
    return {}; // storage is off, or holds something else
  }
}

function writeDrafts(drafts) {
  try {
    if (Object.keys(drafts).length) sessionStorage.setItem(STORE, JSON.stringify(drafts));
    else sessionStorage.removeItem(STORE);
  } catch {
    // Storage is off or full: the form works without a draft.
  }
}

// By form: the user, when it was typed, and each text with the one that it replaces.
const TEXT_STORE = "text-drafts";
const TASK_PAGE = /^\/tasks\/[A-Z0-9]+-\d+\//i;
const MAX_TEXT_DRAFTS = 50;
const MAX_AGE = 30 * 24 * 3600 * 1000;

function readTextDrafts() {
  try {
    return JSON.parse(localStorage.getItem(TEXT_STORE)) ?? {};
  } catch {
    return {};
  }
}

function writeTextDrafts(drafts) {
  const newest = Object.entries(drafts).sort(([, a], [, b]) => b.at - a.at).slice(0, MAX_TEXT_DRAFTS);
  try {
    if (newest.length) localStorage.setItem(TEXT_STORE, JSON.stringify(Object.fromEntries(newest)));
    else localStorage.removeItem(TEXT_STORE);
  } catch {
    // As above.
  }
}

function saveTextDraft(form) {
  if (!TASK_PAGE.test(location.pathname)) return;
  const areas = fieldsOf(form).filter((field) => field.matches("textarea") && isChanged(field, form));
  const drafts = readTextDrafts();
  const name = draftName(form);
  const texts = areas.map((area) => [area.name, area.value, area.defaultValue]);
  if (texts.length) drafts[name] = { user: userId, at: Date.now(), texts };
  else if (name in drafts) delete drafts[name];
  else return;
  writeTextDrafts(drafts);
}

function removeTextDraft(form) {
  const drafts = readTextDrafts();
  if (!(draftName(form) in drafts)) return;
  delete drafts[draftName(form)];
  writeTextDrafts(drafts);
}

function restoreTextDraft(form) {
  const draft = readTextDrafts()[draftName(form)];
  if (draft?.user !== userId || Date.now() - draft.at > MAX_AGE) return;
  const fields = fieldsOf(form);
  const changes = draft.texts.flatMap(([name, text, replaced]) => {
    const index = fields.findIndex((field) => field.name === name);
    // A text that somebody changed meanwhile is not replaced by an older one.
    return index >= 0 && fields[index].defaultValue === replaced ? [[name, index, text]] : [];
  });
  restoreDraft(form, changes);
}

function draftForms() {
  return [...document.forms].filter((form) => form.method === "post" && !form.querySelector("select[data-submit]"));
}

// The quick add is one form on all pages; the others belong to their page.
function draftName(form) {
  const place = form.closest("[popover]")?.id ?? location.pathname;
  const action = new URL(form.getAttribute("action") ?? location.href, location.href).pathname;
  const same = draftForms().filter((other) => other.getAttribute("action") === form.getAttribute("action"));
  return `${place} ${action} ${same.indexOf(form)}`;
}

const isDraftField = (field) =>
  field.name && !SKIPPED_TYPES.has(field.type) && !SKIPPED_AUTOCOMPLETE.has(field.autocomplete);
const fieldsOf = (form) => [...form.elements].filter(isDraftField);
const unixLines = (text) => text.replaceAll("\r\n", "\n");

function isChanged(field, form) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  const initial = form.elements[`initial-${field.name}`];
  if (initial instanceof HTMLInputElement) return unixLines(initial.value) !== unixLines(field.value);
  if (field instanceof HTMLSelectElement) {
    const options = [...field.options];
    return options.some((option) => option.defaultSelected)
      ? options.some((option) => option.selected !== option.defaultSelected)
      : field.selectedIndex > 0;
  }
  // A form that was sent back with errors has the typed text as its default.
  return form.querySelector("[aria-invalid=true]") ? field.value !== "" : field.value !== field.defaultValue;
}

function saveDraft(form, state = {}) {
  if (!userId || !draftForms().includes(form)) return;
  const fields = fieldsOf(form);
  const changes = fields.flatMap((field, index) =>
    isChanged(field, form) ? [[field.name, index, "checked" in field && /checkbox|radio/.test(field.type) ? field.checked : field.value]] : [],
  );
  const drafts = readDrafts();
  const name = draftName(form);
  if (changes.length) drafts[name] = { user: userId, changes, ...state };
  else delete drafts[name];
  writeDrafts(drafts);
  // While it is sent, the copy of this tab says what becomes of it.
  if (!state.submitted) saveTextDraft(form);
}

function removeDraft(form) {
  removeTextDraft(form);
  const drafts = readDrafts();
  delete drafts[draftName(form)];
  writeDrafts(drafts);
}

function restoreDraft(form, changes) {
  const fields = fieldsOf(form);
  for (const [name, index, value] of changes) {
    const field = fields[index]?.name === name ? fields[index] : fields.find((other) => other.name === name);
    if (!field) continue;
    if (typeof value === "boolean") field.checked = value;
    else field.value = value;
    const details = field.closest("details");
    if (details) details.open = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function restoreDrafts() {
  const drafts = readDrafts();
  const [navigation] = performance.getEntriesByType("navigation");
  // Back from an error page of the browser: no page has confirmed that the form was saved.
  const isReturn = navigation?.type === "back_forward" || navigation?.type === "reload";
  for (const [name, draft] of Object.entries(drafts)) {
    if (draft.user !== userId || (draft.submitted && !isReturn)) delete drafts[name];
  }
  writeDrafts(drafts);
  let isInterrupted = false;
  for (const form of draftForms()) {
    const draft = drafts[draftName(form)];
    if (!draft) {
      restoreTextDraft(form);
      continue;
    }
    restoreDraft(form, draft.changes);
    saveDraft(form);
    isInterrupted ||= Boolean(draft.interrupted);
    if (draft.interrupted) form.closest("[popover]")?.showPopover();
    // Its button was pressed already. After other scripts have loaded, which watch for a form that is sent.
    if (draft.confirming && isConfirmed() && form.matches("[data-resubmit]")) setTimeout(() => form.requestSubmit());
  }
  if (isInterrupted) {
    const text = document.getElementById("toasts")?.dataset.restored;
    document.dispatchEvent(new CustomEvent("toast", { detail: { text } }));
  }
}

// Whether the browser comes straight from the page that confirms the user's identity.
const isConfirmed = () => new URL(document.referrer || location.href).pathname.startsWith("/reauthenticate/");

// Pages without a frame (sign-in, errors) and the page to confirm one's identity stand between a form and its result.
function markInterrupted() {
  const drafts = readDrafts();
  for (const draft of Object.values(drafts)) {
    draft.interrupted = true;
    if (document.querySelector("[data-keep-drafts]")) draft.confirming ||= Boolean(draft.submitted);
    else delete draft.confirming;
    delete draft.submitted;
  }
  writeDrafts(drafts);
}

if (userId && !document.querySelector("[data-keep-drafts]")) restoreDrafts();
else markInterrupted();

document.addEventListener("input", (event) => {
  if (event.target.form) saveDraft(event.target.form);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-sign-out]")) {
    writeDrafts({});
    writeTextDrafts({});
    return;
  }
  removeTextDraft(form);
  if (!event.defaultPrevented) saveDraft(form, { submitted: true });
});

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  const isSaved = ctx.response?.status < 400 && !ctx.hx?.redirect && !ctx.hx?.refresh;
  if (isSaved && event.target.matches?.("form[method=post]")) removeDraft(event.target);
});

document.addEventListener("click", (event) => {
  const cancel = event.target.closest?.("form .form-actions a.button, .cell-form [data-cancel], form .form-actions [popovertargetaction=hide]");
  if (cancel) removeDraft(cancel.closest("form"));
});

// The form of a field that is edited where it stands comes later than the page.
document.addEventListener("htmx:after:swap", () => {
  for (const form of draftForms()) if (form.matches(".cell-form:not([data-draft])")) {
    form.dataset.draft = "";
    restoreTextDraft(form);
  }
});
