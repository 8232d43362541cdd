// Selected tasks of a list: how many they are, all of the page at once, and a range with Shift.
const boxes = () => [...document.querySelectorAll("input[name=ids]")];
let last;

function show() {
  const selected = boxes().filter((box) => box.checked).length;
  const all = document.querySelector("[data-select-all]");
  if (all) {
    all.checked = selected > 0 && selected === boxes().length;
    all.indeterminate = selected > 0 && !all.checked;
  }
  const text = document.querySelector("[data-selected]");
  if (text) text.textContent = `${selected} selected`;
}

document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.("input[name=ids]")) return;
  const listed = boxes();
  const [from, to] = [listed.indexOf(last), listed.indexOf(box)].sort((a, b) => a - b);
  if (event.shiftKey && from >= 0) for (const other of listed.slice(from, to)) other.checked = box.checked;
  last = box;
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-all]")) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.matches("[data-select-all], input[name=ids]")) show();
});
document.addEventListener("htmx:after:swap", show);
