// Service worker: keeps static files, whose names hold their hashes, and the offline page. Never pages with personal data,
// attachments or the API: these always come from the network.
const CACHE = "taskflow-{{ version }}";
const OFFLINE = "{{ offline_url }}";
const FILES = {{ files|safe }};
const STATIC = "{{ static_url }}";
const HASHED = /\.[0-9a-f]{12}\.[a-z0-9]+$/;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll([OFFLINE, ...FILES]))
      .then(() => self.skipWaiting()),
  );
});

async function activate() {
  for (const name of await caches.keys()) if (name.startsWith("taskflow-") && name !== CACHE) await caches.delete(name);
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
}

self.addEventListener("activate", (event) => event.waitUntil(activate()));

async function navigate(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return (await caches.match(OFFLINE)) ?? Response.error();
  }
}

async function staticFile(request) {
  const cached = await caches.match(request);
  if (cached) return cached;
  const response = await fetch(request);
  if (response.status === 200) (await caches.open(CACHE)).put(request, response.clone());
  return response;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(navigate(event));
  else if ((url.pathname.startsWith(STATIC) && HASHED.test(url.pathname)) || FILES.includes(url.pathname)) event.respondWith(staticFile(request));
});
