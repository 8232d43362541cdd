// Register the service worker, say when the connection is lost, and offer a reload when there is a new version.
const notice = document.getElementById("connection");

if (notice) {
  let isOutdated = false;

  const show = () => {
    if (!navigator.onLine || !isOutdated) {
      notice.textContent = navigator.onLine ? "" : notice.dataset.offline;
      return;
    }
    const button = document.createElement("button");
    button.className = "button";
    button.type = "button";
    button.textContent = notice.dataset.reload;
    // Drafts are kept, so a reload loses nothing that was typed.
    button.addEventListener("click", () => location.reload());
    notice.replaceChildren(`${notice.dataset.update} `, button);
  };
  addEventListener("online", show);
  addEventListener("offline", show);
  show();

  // After signing in; only in secure contexts, and not where the browser's settings forbid it.
  const workers = document.body.matches(".frame") ? navigator.serviceWorker : undefined;
  if (workers) {
    // A worker that takes over from another one is that of a new version; the first one is not.
    const isControlled = Boolean(workers.controller);
    workers.addEventListener("controllerchange", () => {
      isOutdated = isControlled;
      show();
    });
    workers
      .register("/sw.js")
      // A page may stay open for days.
      .then((registration) => setInterval(() => document.visibilityState === "visible" && registration.update().catch(() => {}), 30 * 60 * 1000))
      .catch(() => {});
  }
} else {
  // The offline page stands at the address of the page that was asked for.
  addEventListener("online", () => location.reload());
}
