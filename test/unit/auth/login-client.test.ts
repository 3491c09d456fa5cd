import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLoginCall, MAX_LOGIN_CALLS } from "../../../src/auth/login-client.ts";
import type { Exchange, ExchangeRequest, ExchangeResult } from "../../../src/upstream/exchange.ts";
import { answered, exchangeGiving, settle } from "../fakes.ts";

const REQUEST: ExchangeRequest = { method: "GET", path: "/me", headers: {} };
/** What a caller has, of the eight seconds of a request. */
const WAIT_MS = 7600;
const failed = (failure: Extract<ExchangeResult, { kind: "failure" }>["failure"]) =>
  ({ kind: "failure", failure, reason: "econnreset" }) as const;

beforeEach(() => {
  vi.useFakeTimers();
  vi.advanceTimersByTime(60_000); // No request comes at the zero of the clock.
});
afterEach(() => vi.useRealTimers());

describe("a question about a login", () => {
  it.each([
    ["not_sent", 2],
    ["connection_lost", 2],
    ["stale", 2],
    ["silent", 2],
    ["timeout", 1],
    ["malformed", 1],
    ["tls_error", 1],
  ] as const)("that ends with %s is tried %i time(s)", async (failure, tries) => {
    const exchange = exchangeGiving(failed(failure));
    const call = createLoginCall({ operation: "partner.session_check", exchange });

    await expect(call(REQUEST, WAIT_MS)).rejects.toMatchObject({
      code: "auth_unavailable",
      retryAfterSeconds: 1,
      upstream: { operation: "partner.session_check", outcome: failure, reason: "econnreset" },
    });
    expect(exchange.requests.map(({ newConnection = false }) => newConnection)).toEqual(
      [false, true].slice(0, tries),
    );
  });

  it("takes what its caller waits for both tries together", async () => {
    let ms = 0;
    const timeouts: number[] = [];
    const exchange: Exchange = async (_request, timeoutMs) => {
      timeouts.push(timeoutMs);
      ms += 1500;
      return failed("connection_lost");
    };
    const call = createLoginCall({ operation: "partner.session_check", exchange, now: () => ms });

    await expect(call(REQUEST, WAIT_MS)).rejects.toThrow();
    expect(timeouts).toEqual([7600, 6100]);
  });

  it("is not repeated where less than 250 ms are left for the answer", async () => {
    let ms = 0;
    const exchange: Exchange = async () => {
      ms += WAIT_MS - 249;
      return failed("connection_lost");
    };
    const call = createLoginCall({ operation: "partner.session_check", exchange, now: () => ms });

    await expect(call(REQUEST, WAIT_MS)).rejects.toMatchObject({
      upstream: { outcome: "connection_lost" },
    });
    expect(ms).toBe(WAIT_MS - 249);
  });

  it("takes no longer than its caller waits", async () => {
    const exchange = exchangeGiving(answered("{}"));
    const call = createLoginCall({ operation: "partner.session_check", exchange });

    await call(REQUEST, 600);
    await expect(call(REQUEST, 249)).rejects.toMatchObject({ upstream: { outcome: "not_sent" } });
    expect(exchange.requests.map(({ timeoutMs }) => timeoutMs)).toEqual([600]);
  });

  it.each([
    [2000, WAIT_MS],
    [1000, 1000],
  ])(
    "is not sent where its turn comes with less than 250 ms left of %i",
    async (limitMs, waitMs) => {
      const pending: ((result: ExchangeResult) => void)[] = [];
      const exchange: Exchange = () => new Promise((resolve) => pending.push(resolve));
      const call = createLoginCall({ operation: "partner.introspection", exchange });
      const first = Array.from({ length: MAX_LOGIN_CALLS }, () => call(REQUEST, WAIT_MS));
      const late = call(REQUEST, waitMs);
      const refused = expect(late).rejects.toMatchObject({
        code: "auth_unavailable",
        upstream: { operation: "partner.introspection", outcome: "not_sent", reason: "busy" },
      });
      await vi.advanceTimersByTimeAsync(limitMs - 249);
      for (const end of pending) end(answered("{}"));
      await Promise.all([...first, refused]);
      expect(pending).toHaveLength(MAX_LOGIN_CALLS);
    },
  );

  it.each([
    [429, 7, 7, "unavailable"],
    [503, 120, 30, "unavailable"],
    [500, undefined, 1, "unavailable"],
    [503, 0, 1, "unavailable"],
    [302, undefined, 1, "rejected"],
    [404, undefined, 1, "rejected"],
    [401, undefined, 1, "rejected"],
    [200, undefined, 1, "invalid_response"],
  ])(
    "answered %i with Retry-After %s has the error for it",
    async (status, asked, told, outcome) => {
      const exchange = exchangeGiving(answered("{}", { status, retryAfterSeconds: asked }));
      const call = createLoginCall({ operation: "partner.introspection", exchange });

      expect((await call(REQUEST, WAIT_MS)).failed()).toMatchObject({
        code: "auth_unavailable",
        retryAfterSeconds: told,
        upstream: { outcome, status },
      });
      expect(exchange.requests).toHaveLength(1);
    },
  );

  it("waits for its turn, two seconds at most, where fifty are asked", async () => {
    const pending: ((result: ExchangeResult) => void)[] = [];
    const exchange: Exchange = () => new Promise((resolve) => pending.push(resolve));
    const call = createLoginCall({ operation: "partner.session_check", exchange });
    const first = Array.from({ length: MAX_LOGIN_CALLS }, () => call(REQUEST, WAIT_MS));
    const next = call(REQUEST, WAIT_MS);
    const late = call(REQUEST, WAIT_MS);
    const refused = expect(late).rejects.toMatchObject({ upstream: { reason: "busy" } });
    await settle();
    expect(pending).toHaveLength(MAX_LOGIN_CALLS);

    pending[0]?.(answered("{}"));
    await settle();
    expect(pending).toHaveLength(MAX_LOGIN_CALLS + 1); // One place, for the one who came first.

    await vi.advanceTimersByTimeAsync(2000);
    await refused;
    for (const end of pending) end(answered("{}"));
    await Promise.all([...first, next]);
    void call(REQUEST, WAIT_MS);
    await settle();
    expect(pending).toHaveLength(MAX_LOGIN_CALLS + 2); // All places are free again.
  });
});
