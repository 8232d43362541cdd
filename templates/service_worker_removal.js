// Removes the service worker and what it has kept.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(remove()));

async function remove() {
  for (const name of await caches.keys()) if (name.startsWith("taskflow-")) await caches.delete(name);
  await self.registration.unregister();
}
