// Register the service worker, and say when the connection is lost.
const notice = document.getElementById("connection");

if (notice) {
  const show = () => (notice.textContent = navigator.onLine ? "" : notice.dataset.offline);
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
  // After signing in; only in secure contexts, and not where the browser's settings forbid it.
  if (document.body.matches(".frame")) navigator.serviceWorker?.register("/sw.js").catch(() => {});
} else {
  // The offline page stands at the address of the page that was asked for.
  addEventListener("online", () => location.reload());
}
