/**
 * MDX Real Time fails: for each of its calls and each fault, what the caller is told, which calls MX got, and what is left
 * there. The next login, without the fault, always succeeds and leaves one User and one Member.
 *
 * The same faults of the URL request stand in resilience.test.ts, those of the connection in faults.test.ts.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../packages/simulator/src/faults.ts";
import { type Clock, stopClock } from "../support/clock.ts";
import { type Started, start } from "../support/start.ts";

/** Breaker and retry budget look back ten seconds. Nothing of MX's is late any more. */
const FORGOTTEN_MS = 11_000;
const DEADLINE_MS = 8000;
const GRACE_MS = 250;
const ALWAYS = Number.POSITIVE_INFINITY;
const EXPIRING = {
  MEMBER_CREDENTIALS: "claim",
  MEMBER_USERKEY_SECRET: undefined,
  MEMBER_USERKEY_CLAIM: "sub",
  MEMBER_USERKEY_EXPIRES: "true",
};

const asked = (seconds: string) => ({ headers: { "retry-after": seconds } });
const html = { body: "<html></html>", contentType: "text/html" };

/** What happens to each such call, or to so many of them. */
const FAULTS: Record<string, Fault & { times?: number }> = {
  "401": { kind: "status", status: 401 },
  "403": { kind: "status", status: 403 },
  "404": { kind: "status", status: 404 },
  "409": { kind: "status", status: 409 },
  "422": { kind: "status", status: 422 },
  "400": { kind: "status", status: 400 },
  "429 once": { kind: "status", status: 429, ...asked("1"), times: 1 },
  "429": { kind: "status", status: 429, ...asked("1") },
  "429 for 60 s": { kind: "status", status: 429, ...asked("60") },
  "500 once": { kind: "status", status: 500, times: 1 },
  "500": { kind: "status", status: 500 },
  "500 after": { kind: "status", status: 500, applied: true, times: 1 },
  "503": { kind: "status", status: 503 },
  "silence once": { kind: "silence", times: 1 },
  silence: { kind: "silence" },
  "silence after, once": { kind: "silence", applied: true, times: 1 },
  "reset before, once": { kind: "reset", when: "before", times: 1 },
  "reset before": { kind: "reset", when: "before" },
  "reset after, once": { kind: "reset", when: "after", times: 1 },
  "reset after": { kind: "reset", when: "after" },
  truncate: { kind: "truncate", times: 1 },
  "cut JSON": { kind: "raw", body: '{"user":{"id":"', applied: true, times: 1 },
  HTML: { kind: "raw", ...html },
  "[]": { kind: "raw", body: "[]" },
  "somebody else": { kind: "wrongUser" },
  redirect: { kind: "status", status: 307, headers: { location: "/elsewhere" } },
  "100 kB": { kind: "raw", body: JSON.stringify({ x: "x".repeat(100_000) }) },
};

/** A fault, the answer to the caller, the calls that MX got, and how many Users and Members are left. */
type Row = [fault: string, answer: string, calls: string, left: string];

const TABLE = {
  "mdx.create_user": [
    ["401", "502 upstream-rejected", "url read_member create_user", "0/0"],
    ["403", "502 upstream-rejected", "url read_member create_user", "0/0"],
    ["404", "502 upstream-rejected", "url read_member create_user", "0/0"],
    ["409", "503 upstream-unavailable", "url×4 read_member create_user create_member×2", "0/0"],
    ["422", "502 upstream-rejected", "url read_member create_user", "0/0"],
    ["400", "502 upstream-rejected", "url read_member create_user", "0/0"],
    ["429 once", "200", "url×2 read_member create_user×2 create_member", "1/1"],
    ["429", "503 upstream-unavailable", "url read_member create_user×2", "0/0"],
    [
      "429 for 60 s",
      "503 upstream-unavailable, Retry-After 30",
      "url read_member create_user",
      "0/0",
    ],
    ["500 once", "200", "url×2 read_member create_user×2 read_user create_member", "1/1"],
    ["500", "503 upstream-unavailable", "url read_member create_user×2 read_user×2", "0/0"],
    ["500 after", "200", "url×2 read_member create_user read_user create_member", "1/1"],
    ["503", "503 upstream-unavailable", "url read_member create_user×2", "0/0"],
    ["silence once", "200", "url×2 read_member create_user×2 read_user create_member", "1/1"],
    ["silence", "504 upstream-timeout", "url read_member create_user×2 read_user×2", "0/0"],
    ["silence after, once", "200", "url×2 read_member create_user read_user create_member", "1/1"],
    ["reset before, once", "200", "url×2 read_member create_user×2 read_user create_member", "1/1"],
    [
      "reset before",
      "503 upstream-unavailable",
      "url read_member create_user×2 read_user×2",
      "0/0",
    ],
    ["reset after, once", "200", "url×2 read_member create_user read_user create_member", "1/1"],
    ["reset after", "200", "url×2 read_member create_user read_user create_member", "1/1"],
    ["truncate", "200", "url×2 read_member create_user read_user create_member", "1/1"],
    ["cut JSON", "200", "url×2 read_member create_user read_user create_member", "1/1"],
    ["HTML", "502 upstream-bad-response", "url read_member create_user", "0/0"],
    ["[]", "502 upstream-bad-response", "url read_member create_user", "0/0"],
    ["somebody else", "502 upstream-bad-response", "url read_member create_user", "1/0"],
    ["redirect", "502 upstream-bad-response", "url read_member create_user", "0/0"],
    ["100 kB", "502 upstream-bad-response", "url read_member create_user", "0/0"],
  ],
  "mdx.create_member": [
    ["401", "502 upstream-rejected", "url×2 read_member create_user create_member", "1/0"],
    ["403", "502 upstream-rejected", "url×2 read_member create_user create_member", "1/0"],
    ["404", "503 upstream-unavailable", "url×2 read_member create_user create_member×2", "1/0"],
    ["409", "503 upstream-unavailable", "url×2 read_member×3 create_user create_member", "1/0"],
    ["422", "502 upstream-rejected", "url×2 read_member create_user create_member", "1/0"],
    ["400", "502 upstream-rejected", "url×2 read_member create_user create_member", "1/0"],
    ["429 once", "200", "url×2 read_member create_user create_member×2", "1/1"],
    ["429", "503 upstream-unavailable", "url×2 read_member create_user create_member×2", "1/0"],
    [
      "429 for 60 s",
      "503 upstream-unavailable, Retry-After 30",
      "url×2 read_member create_user create_member",
      "1/0",
    ],
    ["500 once", "200", "url×2 read_member×2 create_user create_member×2", "1/1"],
    ["500", "503 upstream-unavailable", "url×2 read_member×3 create_user create_member×2", "1/0"],
    ["500 after", "200", "url×2 read_member×2 create_user create_member", "1/1"],
    ["503", "503 upstream-unavailable", "url×2 read_member create_user create_member×2", "1/0"],
    ["silence once", "200", "url×2 read_member×2 create_user create_member×2", "1/1"],
    ["silence", "504 upstream-timeout", "url×2 read_member×3 create_user create_member×2", "1/0"],
    ["silence after, once", "200", "url×2 read_member×2 create_user create_member", "1/1"],
    ["reset before, once", "200", "url×2 read_member×2 create_user create_member×2", "1/1"],
    [
      "reset before",
      "503 upstream-unavailable",
      "url×2 read_member×3 create_user create_member×2",
      "1/0",
    ],
    ["reset after, once", "200", "url×2 read_member×2 create_user create_member", "1/1"],
    ["reset after", "200", "url×2 read_member×2 create_user create_member", "1/1"],
    ["truncate", "200", "url×2 read_member×2 create_user create_member", "1/1"],
    ["cut JSON", "200", "url×2 read_member×2 create_user create_member", "1/1"],
    ["HTML", "502 upstream-bad-response", "url×2 read_member create_user create_member", "1/0"],
    ["[]", "200", "url×2 read_member create_user create_member", "1/0"],
    [
      "somebody else",
      "502 upstream-bad-response",
      "url×2 read_member create_user create_member",
      "1/1",
    ],
    ["redirect", "502 upstream-bad-response", "url×2 read_member create_user create_member", "1/0"],
    ["100 kB", "502 upstream-bad-response", "url×2 read_member create_user create_member", "1/0"],
  ],
  "mdx.read_member": [
    ["401", "502 upstream-rejected", "url read_member", "1/1"],
    ["403", "502 upstream-rejected", "url read_member", "1/1"],
    ["404", "503 upstream-unavailable", "url read_member×3 create_member", "1/1"],
    ["409", "502 upstream-rejected", "url read_member", "1/1"],
    ["422", "502 upstream-rejected", "url read_member", "1/1"],
    ["400", "502 upstream-rejected", "url read_member", "1/1"],
    ["429 once", "200", "url read_member×2", "1/1"],
    ["429", "503 upstream-unavailable", "url read_member×2", "1/1"],
    ["429 for 60 s", "503 upstream-unavailable, Retry-After 30", "url read_member", "1/1"],
    ["500 once", "200", "url read_member×2", "1/1"],
    ["500", "503 upstream-unavailable", "url read_member×3", "1/1"],
    ["500 after", "200", "url read_member×2", "1/1"],
    ["503", "503 upstream-unavailable", "url read_member×2", "1/1"],
    ["silence once", "200", "url read_member×2", "1/1"],
    ["silence", "504 upstream-timeout", "url read_member×3", "1/1"],
    ["silence after, once", "200", "url read_member×2", "1/1"],
    ["reset before, once", "200", "url read_member×2", "1/1"],
    ["reset before", "503 upstream-unavailable", "url read_member×3", "1/1"],
    ["reset after, once", "200", "url read_member×2", "1/1"],
    ["reset after", "503 upstream-unavailable", "url read_member×3", "1/1"],
    ["truncate", "200", "url read_member×2", "1/1"],
    ["cut JSON", "200", "url read_member×2", "1/1"],
    ["HTML", "502 upstream-bad-response", "url read_member", "1/1"],
    ["[]", "200", "url read_member", "1/1"],
    ["somebody else", "502 upstream-bad-response", "url read_member", "1/1"],
    ["redirect", "502 upstream-bad-response", "url read_member", "1/1"],
    ["100 kB", "502 upstream-bad-response", "url read_member", "1/1"],
  ],
  "mdx.update_member": [
    ["401", "502 upstream-rejected", "url read_member update_member", "1/1"],
    ["403", "502 upstream-rejected", "url read_member update_member", "1/1"],
    [
      "404",
      "503 upstream-unavailable",
      "url×2 read_member×3 create_user create_member update_member×2",
      "1/1",
    ],
    ["409", "502 upstream-rejected", "url read_member update_member", "1/1"],
    ["422", "502 upstream-rejected", "url read_member update_member", "1/1"],
    ["400", "502 upstream-rejected", "url read_member update_member", "1/1"],
    ["429 once", "200", "url read_member update_member×2", "1/1"],
    ["429", "503 upstream-unavailable", "url read_member update_member×2", "1/1"],
    [
      "429 for 60 s",
      "503 upstream-unavailable, Retry-After 30",
      "url read_member update_member",
      "1/1",
    ],
    ["500 once", "200", "url read_member update_member×2", "1/1"],
    ["500", "503 upstream-unavailable", "url read_member update_member×2", "1/1"],
    ["500 after", "200", "url read_member update_member×2", "1/1"],
    ["503", "503 upstream-unavailable", "url read_member update_member×2", "1/1"],
    ["silence once", "200", "url read_member update_member×2", "1/1"],
    ["silence", "504 upstream-timeout", "url read_member update_member×2", "1/1"],
    ["silence after, once", "200", "url read_member update_member×2", "1/1"],
    ["reset before, once", "200", "url read_member update_member×2", "1/1"],
    ["reset before", "503 upstream-unavailable", "url read_member update_member×2", "1/1"],
    ["reset after, once", "200", "url read_member update_member×2", "1/1"],
    ["reset after", "503 upstream-unavailable", "url read_member update_member×2", "1/1"],
    ["truncate", "200", "url read_member update_member×2", "1/1"],
    ["cut JSON", "200", "url read_member update_member×2", "1/1"],
    ["HTML", "502 upstream-bad-response", "url read_member update_member", "1/1"],
    ["[]", "200", "url read_member update_member", "1/1"],
    ["somebody else", "502 upstream-bad-response", "url read_member update_member", "1/1"],
    ["redirect", "502 upstream-bad-response", "url read_member update_member", "1/1"],
    ["100 kB", "502 upstream-bad-response", "url read_member update_member", "1/1"],
  ],
} satisfies Record<string, Row[]>;

type Target = keyof typeof TABLE;

let clock: Clock;
let permanent: Started;
let expiring: Started;
beforeAll(async () => {
  clock = stopClock();
  permanent = await start({ apis: "v3-members" });
  expiring = await start({ apis: "v3-members", environment: EXPIRING });
});
afterAll(async () => {
  await permanent[Symbol.asyncDispose]();
  await expiring[Symbol.asyncDispose]();
  clock[Symbol.dispose]();
});

describe.each(Object.keys(TABLE) as Target[])("POST /session when MX meets %s with", (target) => {
  it.each(TABLE[target])("%s: %s", async (name, answer, calls, left) => {
    const service = target === "mdx.update_member" ? expiring : permanent;
    const { mx } = service;
    const subject = `${target}-${name}`.replaceAll(/\W+/g, "-");
    if (!target.includes("create")) await service.post(subject);
    await clock.advance(FORGOTTEN_MS);
    mx.calls.clear();
    const { times = ALWAYS, ...fault } = FAULTS[name] ?? fail(name);
    mx.failNext(fault, { operation: target, times });

    const { result, ms } = await clock.run(service.post(subject));

    expect({
      answer: toWords(result),
      calls: countCalls(service),
      left: countLeft(service, subject),
    }).toEqual({ answer, calls, left });
    expect(ms).toBeLessThan(DEADLINE_MS + GRACE_MS);

    mx.clearFaults();
    expect((await service.post(subject)).status).toBe(200);
    expect(countLeft(service, subject)).toBe("1/1");
  });
});

function fail(name: string): never {
  throw new Error(`no fault is called ${name}`);
}

type Answer = { status: number; body: { type?: string }; headers: Record<string, string> };

/** A second is what `Retry-After` says by default. */
function toWords({ status, body, headers }: Answer): string {
  const { "retry-after": seconds = "1" } = headers;
  const problem = body.type?.replace("/problems/", " ") ?? "";
  return `${status}${problem}${seconds === "1" ? "" : `, Retry-After ${seconds}`}`;
}

/** In the order of a first login. */
const ORDER = [
  "sso_v3.request_widget_url",
  "mdx.read_member",
  "mdx.create_user",
  "mdx.read_user",
  "mdx.create_member",
  "mdx.update_member",
] as const;

function countCalls({ mx }: Started): string {
  const words = ORDER.flatMap((operation) => {
    const { length } = mx.calls.of(operation);
    const name = operation === "sso_v3.request_widget_url" ? "url" : operation.slice(4);
    return length === 0 ? [] : [length === 1 ? name : `${name}×${length}`];
  });
  return words.join(" ");
}

function countLeft({ mx: { state } }: Started, subject: string): string {
  const users = [...state.users.values()].filter(({ id }) => id === subject);
  return `${users.length}/${users.flatMap((user) => state.membersOf(user)).length}`;
}
