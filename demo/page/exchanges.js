/**
 * Watches the page's own calls of the service, whoever makes them: this page, MX's SDK or embed.js.
 *
 * Only to show them. A partner's page needs nothing of the kind.
 */

/** @typedef {{ onRequest(): void, beforeAnswer(): Promise<void>, onAnswer(status: number, answer: unknown): void }} Watcher */

/** @param {string} url @param {Watcher} watcher */
export function watchExchanges(url, watcher) {
  const send = window.fetch;
  window.fetch = async function watchedFetch(input, init) {
    if (String(input) !== url) return send(input, init);
    watcher.onRequest();
    const response = await send(input, init);
    const answer = await response
      .clone()
      .json()
      .catch(() => undefined);
    if (response.ok) await watcher.beforeAnswer();
    watcher.onAnswer(response.status, answer);
    return response;
  };
}
