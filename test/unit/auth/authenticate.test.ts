import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Authenticator, createAuthentication } from "../../../src/auth/authenticate.ts";
import { createBudget } from "../../../src/session/budget.ts";
import { principalOf } from "../fakes.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const CREDENTIALS = [
  ["a JWT", { authorization: "Bearer a.b.c" }, "a.b.c"],
  ["an opaque token", { authorization: "Bearer abc" }, "abc"],
  ["a token in a cookie", { cookie: "token=a.b.c" }, "a.b.c"],
  ["a session cookie", { cookie: "sid=s" }, undefined],
] as const;

function setUp(authenticator: Authenticator) {
  const { authenticate } = createAuthentication({
    jwt: authenticator,
    introspection: authenticator,
    tokenCookie: "token",
    session: { cookie: "sid", authenticate: authenticator },
  });
  const budget = createBudget({ deadlineMs: 1000, now: () => Date.now() });
  return { authenticate, budget };
}

describe.each(CREDENTIALS)("%s", (_what, headers, token) => {
  it("that is judged in time names the caller", async () => {
    const principal = principalOf();
    const { authenticate, budget } = setUp(async () => principal);
    expect(await authenticate(headers, budget)).toMatchObject(principal);
  });

  it(`hands on ${token ?? "nothing"}, for userinfo`, async () => {
    const { authenticate, budget } = setUp(async () => principalOf());
    expect((await authenticate(headers, budget)).token?.reveal()).toBe(token);
  });

  it("is not waited for until there is no time left for MX", async () => {
    const waits: number[] = [];
    const { authenticate, budget } = setUp((_credential, timeoutMs) => {
      waits.push(timeoutMs);
      return new Promise(() => {});
    });
    const refused = expect(authenticate(headers, budget)).rejects.toMatchObject({
      code: "auth_unavailable",
      reason: "deadline",
      retryAfterSeconds: 1,
    });
    await vi.advanceTimersByTimeAsync(600);
    await refused;
    expect(waits).toEqual([600]);
  });

  it("that was judged too late is the login's fault, although the timer was late too", async () => {
    const { authenticate, budget } = setUp(async () => {
      vi.setSystemTime(Date.now() + 751);
      return principalOf();
    });
    await expect(authenticate(headers, budget)).rejects.toMatchObject({
      code: "auth_unavailable",
      reason: "deadline",
    });
  });
});
