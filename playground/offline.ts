/**
 * The service worker of the page and of the book: after the first visit they work without a network. It fetches only files of
 * the site, all of one version. `scripts/offline.ts` fills in VERSION and FILES.
 *
 * Files in `assets/` have a hash of their contents in their names, so the kept ones are right. All others are fetched, and
 * the kept ones are used only if that fails: an online reader sees the newest version, or for as long as the host allows it
 * (`cache-control: max-age`) the one in the browser's HTTP cache. A new version takes over when no page of the old one is
 * open, so that none loads parts of two versions.
 */

/** A hash of the contents of all files. */
declare const VERSION: string;
/** Addresses, relative to this file. */
declare const FILES: readonly string[];

/** The parts of a service worker's events and scope that are used here: TypeScript has them only without a page's. */
interface WorkerEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends WorkerEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Scope {
  readonly clients: { claim(): Promise<void> };
  readonly registration: ServiceWorkerRegistration;
  addEventListener(type: 'install' | 'activate', listener: (event: WorkerEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
}
const scope = self as unknown as Scope;

const base = scope.registration.scope;
/** Caches belong to the whole host: another site on it may have its own. */
const PREFIX = `backstep ${base} `;
const NAME = PREFIX + VERSION;

async function install(): Promise<void> {
  const cache = await caches.open(NAME);
  await cache.addAll(FILES.map((file) => new Request(new URL(file, base), { cache: 'reload' })));
}

async function activate(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

/** The kept file of an address; a page may be addressed by its folder, or without `.html`. */
async function kept(url: URL): Promise<Response | undefined> {
  const cache = await caches.open(NAME);
  const address = url.origin + url.pathname;
  for (const file of [address, `${address}index.html`, `${address}.html`]) {
    const found = await cache.match(file);
    // browsers refuse to open a page by an answer that was redirected, as `index.html` is by some servers
    if (found) return found.redirected ? new Response(found.body, found) : found;
  }
  return undefined;
}

async function answer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.href.startsWith(`${base}assets/`)) return (await kept(url)) ?? fetch(request);
  try {
    return await fetch(request);
  } catch (error) {
    const found = await kept(url);
    if (found) return found;
    throw error;
  }
}

scope.addEventListener('install', (event) => event.waitUntil(install()));
scope.addEventListener('activate', (event) => event.waitUntil(activate()));
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && request.url.startsWith(base)) event.respondWith(answer(request));
});
