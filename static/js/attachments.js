// Attachments: files that are chosen, dropped on the panel or pasted are sent one by one, with progress. Each is a request
// of its own, so one that is refused does not hold up the others. Without a script the form sends them all at once.
const panel = () => document.getElementById("attachments");
const uploadForm = () => panel()?.querySelector("form[data-upload]");
let queue = Promise.resolve();
let pending = 0;

function addRow(name) {
  const row = document.createElement("li");
  const label = document.createElement("bdi");
  label.textContent = name;
  const bar = document.createElement("progress");
  bar.className = "meter";
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Uploading ${name}`);
  const text = document.createElement("span");
  text.className = "small";
  row.append(label, bar, text);
  panel().querySelector(".uploads").append(row);
  return { row, bar, text };
}

function errorOf(request, body) {
  const messages = [...(body?.querySelectorAll("#attachments [role=alert] li") ?? [])].map((item) => item.textContent);
  if (messages.length) return messages.join(" ");
  if (request.status === 413) return "The file is too large.";
  if (request.status === 401 || request.status === 403) return "You can't attach files here. Reload the page.";
  return "The upload failed. Try again.";
}

function send(file, { row, bar, text }) {
  return new Promise((resolve) => {
    const form = uploadForm();
    if (!form) return resolve();
    const data = new FormData();
    for (const field of form.querySelectorAll("input[type=hidden]")) data.append(field.name, field.value);
    // The form's own key is for a form without a script: here each file is a write of its own.
    data.set("idempotency_key", crypto.randomUUID());
    data.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.responseType = "document";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    });
    request.addEventListener("loadend", () => {
      const body = request.status ? request.responseXML : undefined;
      const updated = body?.getElementById("attachments");
      if (request.status === 200 && updated) {
        row.remove();
        showList(updated);
      } else {
        bar.remove();
        row.classList.add("error");
        row.setAttribute("role", "alert");
        text.textContent = errorOf(request, body);
      }
      resolve();
    });
    request.send(data);
  });
}

// Only the list is replaced: the form keeps its progress bars, and the focus.
function showList(updated) {
  const [current, next] = [panel().querySelector("ul.list"), updated.querySelector("ul.list")];
  if (current && next) current.replaceWith(next);
  else if (next) panel().querySelector(".card-head").after(next);
  panel().querySelector(".card-head").replaceWith(updated.querySelector(".card-head"));
}

function upload(files) {
  panel().open = true; // it is folded while it holds no file
  for (const file of files) {
    const shown = addRow(file.name);
    pending += 1;
    queue = queue.then(() => send(file, shown)).then(() => (pending -= 1));
  }
}

const filesOf = (transfer) => [...(transfer?.files ?? [])];
const hasFiles = (transfer) => transfer?.types.includes("Files");

// A choice is sent at once, so with a script there is no button.
document.addEventListener("change", (event) => {
  const input = event.target;
  if (!input.matches("form[data-upload] input[type=file]")) return;
  upload(input.files);
  input.value = "";
});

document.addEventListener("dragover", (event) => {
  if (!uploadForm() || !hasFiles(event.dataTransfer)) return;
  // Anywhere on the page, or the browser would leave it for the file.
  event.preventDefault();
  panel().classList.add("dropping");
});

document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) panel()?.classList.remove("dropping");
});

document.addEventListener("drop", (event) => {
  if (!uploadForm() || !hasFiles(event.dataTransfer)) return;
  event.preventDefault();
  panel().classList.remove("dropping");
  upload(filesOf(event.dataTransfer));
});

document.addEventListener("paste", (event) => {
  const files = filesOf(event.clipboardData);
  // A spreadsheet's cells come as text and as a picture of it: in a text field the text is meant.
  const isText = event.target.matches?.("input, textarea") && event.clipboardData.types.includes("text/plain");
  if (!uploadForm() || !files.length || isText) return;
  event.preventDefault();
  upload(files);
});

window.addEventListener("beforeunload", (event) => {
  if (pending) event.preventDefault();
});
