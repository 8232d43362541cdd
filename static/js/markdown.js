// Toolbar above a Markdown field: each button wraps the selection, or begins its lines with a mark. The field's own undo
// (Ctrl Z) takes it back, because the text is inserted as if it were typed.
function insert(field, start, end, text, from, to) {
  field.focus();
  field.setSelectionRange(start, end);
  if (!document.execCommand("insertText", false, text)) field.setRangeText(text, start, end);
  field.setSelectionRange(from, to);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function wrap(field, before, after) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const text = value.slice(start, end);
  insert(field, start, end, before + text + after, start + before.length, end + before.length);
}

function prefixLines(field, mark) {
  const { selectionStart, selectionEnd, value } = field;
  const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
  const text = value.slice(start, selectionEnd).split("\n").map((line) => mark + line).join("\n");
  insert(field, start, selectionEnd, text, start + text.length, start + text.length);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-markdown]");
  const field = button?.closest("form")?.querySelector("textarea");
  if (!field) return;
  const { before, after, prefix } = button.dataset;
  if (prefix) prefixLines(field, prefix);
  else wrap(field, before, after);
});
