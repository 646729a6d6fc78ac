/** Keeps the page for use without a network: a built one, on a server; browsers have no service workers for files. */
export function workOffline(): void {
  // the page around an embedded one keeps its files
  if (
    window.top !== window ||
    !import.meta.env.PROD ||
    !('serviceWorker' in navigator) ||
    !location.protocol.startsWith('http')
  )
    return;
  // where it is not allowed, such as in a private window, the page works as long as there is a network
  navigator.serviceWorker.register('./service-worker.js').catch(() => undefined);
}
