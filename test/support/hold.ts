import { expect } from "vitest";
import type { Started } from "./start.ts";

/** Keeps one request in flight, at a silent MX, until it is disposed. REQUEST_DEADLINE must be longer than the test. */
export async function holdPlace(service: Started): Promise<Disposable> {
  service.mx.calls.clear();
  service.mx.failNext({ kind: "silence" });
  const caller = new AbortController();
  const headers = { Authorization: await service.bearer("held") };
  fetch(`${service.url}/session`, { method: "POST", headers, signal: caller.signal }).catch(
    () => {}, // Its caller leaves.
  );
  await expect.poll(() => service.mx.calls.count).toBe(1);
  return { [Symbol.dispose]: () => caller.abort() };
}
