/**
 * The load generator, in a process of its own: requests go out at fixed times, whatever has come of those before.
 *
 * A generator that waits for answers slows down with the service and hides its collapse. Every URL that comes back is
 * checked: made for this user, and never seen before.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Connections, createConnections, type Ending } from "./connections.ts";
import { createTally, type LoadResult, type Result } from "./tally.ts";
import { createSign, type TokenIssuer, type TokenKey } from "./tokens.ts";
import { serveParent } from "./worker.ts";

export type LoadRun = {
  port: number;
  ratePerSecond: number;
  /** An end can also be made by `stop`. */
  durationMs: number;
  /** `pool`: a thousand users with tokens signed beforehand. `distinct`: another user each time. */
  users: "pool" | "distinct";
};

export type GeneratorRequest =
  | { kind: "prepare"; issuer: TokenIssuer; poolKey: TokenKey; distinctKey: TokenKey }
  | ({ kind: "run" } & LoadRun)
  | { kind: "stop" };

export type GeneratorReply = LoadResult | undefined;

const POOL_SIZE = 1000;
const MAX_CONNECTIONS = 1000;
/** Opened beforehand, but no more than find work before the service gives up a silent connection after 5 s. */
const WARM_SECONDS = 2;
/** Fixed arrival times are kept to about a timer's precision. */
const TICK_MS = 1;
const BODY = '{"widget_url":{"widget_type":"connect_widget"}}';

type User = { subject: string; request: string };
type NextUser = () => User;

serveParent(createGenerator());

function createGenerator(): (request: GeneratorRequest) => Promise<GeneratorReply> {
  let nextUser: Record<LoadRun["users"], NextUser> | undefined;
  let stop = () => {};
  const isNewUrl = createUrlMemory();

  return async function answer(request) {
    switch (request.kind) {
      case "prepare": {
        const { issuer, poolKey, distinctKey } = request;
        nextUser = {
          pool: createPool(createSign(poolKey, issuer)),
          distinct: createDistinct(createSign(distinctKey, issuer)),
        };
        return undefined;
      }
      case "stop":
        stop();
        return undefined;
      case "run": {
        if (!nextUser) throw new Error("not prepared");
        const stopped = new AbortController();
        stop = () => stopped.abort();
        return generate(request, nextUser[request.users], isNewUrl, stopped.signal);
      }
    }
  };
}

async function generate(
  { port, ratePerSecond, durationMs }: LoadRun,
  nextUser: NextUser,
  isNewUrl: (number: number) => boolean,
  stopped: AbortSignal,
): Promise<LoadResult> {
  using connections = createConnections({ port, max: MAX_CONNECTIONS });
  const tally = createTally();
  const others: Record<string, number> = {};
  const everyMs = 1000 / ratePerSecond;
  let shedsWithoutRetryAfter = 0;
  let wrongUrls = 0;
  let lagMs = 0;
  await connections.warm(WARM_SECONDS * ratePerSecond);
  await sleep(100); // The last ones are accepted.
  const start = performance.now();
  const startedAt = Date.now();

  function send(dueMs: number): void {
    const { subject, request } = nextUser();
    tally.sent(dueMs);
    connections.send(request, (ending) => {
      const nowMs = performance.now() - start;
      tally.ended(judge(ending, subject), { dueMs, nowMs, waitedMs: ending.waitedMs });
    });
  }

  function judge(ending: Ending, subject: string): Result {
    if (ending.kind !== "answer") return other(ending.kind);
    const { head, body } = ending.message;
    const status = head.slice(9, 12);
    if (status === "200") {
      const [, user, number] = /"https:\/\/widgets\.example\/([^/]+)\/(\d+)"/.exec(body) ?? [];
      if (user === subject && isNewUrl(Number(number))) return "ok";
      wrongUrls += 1;
      return other("wrong URL");
    }
    const problem = /"\/problems\/([a-z-]+)"/.exec(body)?.[1] ?? "";
    if (problem !== "overloaded") return other(`${status} ${problem}`);
    if (!/\r\nretry-after: \d/i.test(head)) shedsWithoutRetryAfter += 1;
    return "shed";
  }

  function other(what: string): Result {
    others[what] = (others[what] ?? 0) + 1;
    return "other";
  }

  let dueMs = 0;
  while (dueMs < durationMs && !stopped.aborted) {
    const nowMs = performance.now() - start;
    lagMs = Math.max(lagMs, nowMs - dueMs);
    for (; dueMs <= nowMs && dueMs < durationMs; dueMs += everyMs) send(dueMs);
    await sleep(TICK_MS);
  }
  await untilAnswered(connections);
  return {
    startedAt,
    seconds: tally.seconds(Math.floor((dueMs + everyMs / 2) / 1000)),
    total: tally.total(),
    others,
    shedsWithoutRetryAfter,
    lagMs,
    wrongUrls,
  };
}

/** A request that nobody answers is given up by `connections`, so this ends. */
async function untilAnswered(connections: Connections): Promise<void> {
  while (connections.pending() > 0) await sleep(20);
}

function createPool(sign: (subject: string) => string): NextUser {
  const users = Array.from({ length: POOL_SIZE }, (_, index) => toUser(`u-${index}`, sign));
  let next = 0;
  return () => {
    const user = users[next % POOL_SIZE] ?? toUser("u-0", sign);
    next += 1;
    return user;
  };
}

function createDistinct(sign: (subject: string) => string): NextUser {
  let last = 0;
  return () => {
    last += 1;
    return toUser(`d-${last}`, sign);
  };
}

function toUser(subject: string, sign: (subject: string) => string): User {
  const request = [
    "POST /session HTTP/1.1",
    "Host: localhost",
    `Authorization: Bearer ${sign(subject)}`,
    "Accept: application/json",
    "Content-Type: application/json",
    `Content-Length: ${BODY.length}`,
    "",
    BODY,
  ].join("\r\n");
  return { subject, request };
}

/** The stub numbers its URLs, so one bit for each is enough to know them all. */
function createUrlMemory(): (number: number) => boolean {
  let bits = new Uint8Array(1 << 20);

  return function isNewUrl(number) {
    if (number >= bits.length * 8) {
      const grown = new Uint8Array(bits.length * 2);
      grown.set(bits);
      bits = grown;
    }
    const index = number >> 3;
    const bit = 1 << (number & 7);
    const isNew = ((bits[index] ?? 0) & bit) === 0;
    bits[index] = (bits[index] ?? 0) | bit;
    return isNew;
  };
}
