// Suggestions for @handles in text areas: the members of the project, from the page's list. Arrow keys choose, Enter or Tab
// takes, Escape closes. Without a script, handles are typed in full.
const MAX_SUGGESTIONS = 6;
// An @ after a letter with spaces around its words belongs to an email address; other scripts have no spaces.
const TYPED = /(?:^|[^\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}_.@-])[@＠]([\p{L}\p{M}\p{N}._-]{0,40})$/u;
let list; // of the field with the focus
let field;

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
// Read each time: choosing another project replaces the list.
const readPeople = () => [...document.querySelectorAll("#mention-people option")].map(({ value, label }) => ({ handle: value, name: label }));
const typedHandle = () => field.value.slice(0, field.selectionStart).match(TYPED)?.[1];

function close() {
  list?.remove();
  for (const name of ["aria-autocomplete", "aria-controls", "aria-activedescendant"]) field?.removeAttribute(name);
  list = field = undefined;
}

function mark(option) {
  for (const other of list.children) other.setAttribute("aria-selected", String(other === option));
  field.setAttribute("aria-activedescendant", option.id);
}

function suggest(target) {
  close();
  field = target;
  const typed = typedHandle();
  if (typed === undefined) return close();
  const start = fold(typed);
  const isMatch = ({ handle, name }) => [handle, ...name.split(/\s+/)].some((word) => fold(word).startsWith(start));
  const found = readPeople().filter(isMatch).slice(0, MAX_SUGGESTIONS);
  if (!found.length) return close();
  list = document.createElement("ul");
  list.id = "mention-suggestions";
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "People");
  for (const [index, { handle, name }] of found.entries()) {
    const option = document.createElement("li");
    option.id = `mention-${index}`;
    option.dataset.handle = handle;
    option.setAttribute("role", "option");
    const text = document.createElement("bdi");
    text.textContent = name;
    option.append(text, ` @${handle}`);
    list.append(option);
  }
  field.after(list);
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  mark(list.firstElementChild);
}

function take(option) {
  const end = field.selectionStart;
  field.setRangeText(`${option.dataset.handle} `, end - typedHandle().length, end, "end");
  const target = field;
  close();
  target.focus();
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("input", (event) => {
  if (event.target.matches("textarea") && !event.isComposing) suggest(event.target);
});

// Before the other listeners: Enter and Escape belong to the open list.
document.addEventListener(
  "keydown",
  (event) => {
    if (!list || event.isComposing) return;
    const chosen = list.querySelector("[aria-selected=true]");
    if (event.key === "ArrowDown") mark(chosen.nextElementSibling ?? list.firstElementChild);
    else if (event.key === "ArrowUp") mark(chosen.previousElementSibling ?? list.lastElementChild);
    else if (event.key === "Enter" || event.key === "Tab") take(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("#mention-suggestions [role=option]");
  if (!option) return;
  event.preventDefault(); // the field keeps the focus
  take(option);
});

document.addEventListener("focusout", () => list && close());
