// Side peek: a task opened beside the list, board or calendar, by Space on its link or by its button. It shows the content
// of the task's own page, whose forms work here as they do there. The address keeps the task (#peek=OPS-4), so that it can
// be sent to others, and Back closes it. Without a script the button is a link to the page.
const TITLES = ".task-title > a, a.card-title, a.day-task-title";
const PEEK = /^#peek=([A-Z][A-Z0-9]{1,9}-\d{1,9})$/;
const dialog = document.getElementById("peek");
const body = dialog?.querySelector("[data-peek-body]");
const link = dialog?.querySelector("[data-peek-page]");
let opener; // what had the focus
let isPushed = false;
let isChanged = false;

const urlOf = (key) => link.dataset.peekPage.replace("KEY-0", key);
const shownKey = () => location.hash.match(PEEK)?.[1];

function show(page) {
  const content = page.querySelector("main > .content");
  if (!content) return false;
  body.replaceChildren(...document.importNode(content, true).childNodes);
  window.htmx?.process(body);
  for (const toast of page.querySelectorAll("#toasts .toast")) {
    const detail = { text: toast.querySelector("span").textContent, undo: toast.querySelector("[name=token]")?.value };
    document.dispatchEvent(new CustomEvent("toast", { detail }));
  }
  return true;
}

const parse = async (response) => new DOMParser().parseFromString(await response.text(), "text/html");

async function load(key) {
  const url = urlOf(key);
  link.href = url;
  body.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(url);
    if (!response.ok || !new URL(response.url).pathname.startsWith("/tasks/") || !show(await parse(response))) location.assign(url);
    else if (!dialog.open && shownKey() === key) dialog.showModal();
    body.querySelector("h1")?.setAttribute("id", "peek-title");
  } catch {
    location.assign(url); // offline: the browser says so
  } finally {
    body.removeAttribute("aria-busy");
  }
}

function open(key) {
  opener = document.activeElement;
  isPushed = true;
  history.pushState(history.state, "", `#peek=${key}`);
  load(key);
}

function follow() {
  const key = shownKey();
  if (key) load(key);
  else if (dialog.open) dialog.close();
}

async function send(form, submitter) {
  const data = new FormData(form, submitter);
  const key = shownKey();
  const action = submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  const response = await fetch(action, { method: "POST", body: data });
  isChanged = true;
  const { pathname } = new URL(response.url);
  const page = await parse(response);
  if (pathname.startsWith(urlOf(key)) && show(page)) return; // its page, or its form with errors
  if (!response.ok) form.submit(); // the page of the error; the same key of the form changes nothing twice
  else if (pathname === location.pathname) load(key);
  else location.assign(response.url);
}

if (dialog) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-peek]");
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(button.dataset.peek);
  });

  document.addEventListener("keydown", (event) => {
    const title = event.key === " " && event.target.matches?.(TITLES) ? event.target : undefined;
    const key = title?.pathname.match(/^\/tasks\/([A-Z0-9]+-\d+)\/$/)?.[1];
    if (!key || document.documentElement.dataset.keys === "off" || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    open(key);
  });

  dialog.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    event.preventDefault();
    send(form, event.submitter).catch(() => form.submit());
  });

  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  dialog.addEventListener("close", () => {
    body.replaceChildren();
    if (shownKey()) {
      if (isPushed) history.back();
      else history.replaceState(history.state, "", location.pathname + location.search);
    }
    isPushed = false;
    opener?.focus?.();
    // The list below shows what was changed.
    if (isChanged) setTimeout(() => location.reload(), 100);
    isChanged = false;
  });

  dialog.addEventListener("htmx:after:request", (event) => {
    if (event.detail.ctx?.request?.method === "POST") isChanged = true;
  });
  addEventListener("popstate", follow);
  if (shownKey()) follow();
}
