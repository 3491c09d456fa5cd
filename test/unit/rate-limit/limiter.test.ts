import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createRateLimiter } from "../../../src/rate-limit/limiter.ts";
import { createSecret } from "../../../src/secret.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it.each([
  ["set back by a day", -86_400_000],
  ["right", 0],
])("names no more seconds than the window has: the system clock is %s", async (_, changeMs) => {
  const limiter = createRateLimiter({
    name: "user",
    limit: { events: 1, windowMs: 60_000 },
    keySecret: createSecret("key"),
  });
  await limiter.take("ada");
  vi.setSystemTime(Date.now() + changeMs);

  const refused = { code: "rate_limited", retryAfterSeconds: 60 };
  await expect(limiter.take("ada")).rejects.toMatchObject(refused);
  await expect(limiter.check("ada")).rejects.toMatchObject(refused);

  await vi.advanceTimersByTimeAsync(60_000);
  expect(await limiter.take("ada")).toEqual({ remaining: 0, resetSeconds: 60 });
});
