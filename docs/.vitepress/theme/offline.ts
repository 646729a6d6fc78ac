/** Keeps the built book for use without a network, by the service worker of `playground/offline.ts`. */
if (import.meta.env.PROD && !import.meta.env.SSR && 'serviceWorker' in navigator)
  addEventListener('load', () =>
    // where it is not allowed, such as in a private window, the book works as long as there is a network
    navigator.serviceWorker.register(`${import.meta.env.BASE_URL}service-worker.js`).catch(() => undefined),
  );
