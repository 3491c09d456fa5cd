/**
 * Creates something at MX at most once, although MX knows no idempotency keys.
 *
 * "Already exists" is success: another request was faster. An ambiguous create is never repeated blindly: after a moment
 * MX is asked whether it is there, and only a clear "no" leads to one more create.
 *
 * Of several requests that would create the same thing at once, one creates it. The others wait, and look before they create.
 * A request that comes a moment later looks first, too: it may have asked MX before the create was done, or MX may show late
 * what it has made. So a replica sends one create for each User and Member, unless the answer to it was lost.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import type { Budget } from "../session/budget.ts";
import type { RequestContext } from "../session/types.ts";
import type { Answer, FailedAnswer, MxCall, Send } from "./call.ts";
import { toAppError } from "./outcome.ts";
import { createKeyedMutex } from "./policies/keyed-mutex.ts";

type CreateOrFindOptions<T> = {
  send: Send;
  /** Creates it. Is sent on a connection that has not been used before if the answer to the last one was lost. */
  call: MxCall & { kind: keyof typeof CREATED; serializeBy: string };
  /** The answer of a create that went well, or of one that cannot be (`not_found`). */
  toCreated: (answer: Answer) => T;
  find: (options: Connection) => Promise<T | undefined>;
  /** After "already exists", where that is enough to go on; else `find`. */
  toExisting?: (() => T) | undefined;
  /** How long a create whose answer was lost may still take. Default: 200. */
  settleMs?: number;
  /** Waits before each look for what exists already. Default: none, then once and twice `settleMs`. */
  conflictWaitsMs?: (() => readonly number[]) | undefined;
  /** How long MX may not find what it has made. Default: it finds it at once. */
  showsWithinMs?: number;
  /** Whether a result means that the thing exists now. Default: yes. */
  isThere?: (result: T) => boolean;
};

export type Connection = { newConnection: boolean };

/** The audit event where this request made it: MX said so, or it is there after a create whose answer was lost. */
const CREATED = { create_user: "user_created", create_member: "member_created" } as const;

export async function createOrFind<T>(
  options: CreateOrFindOptions<T>,
  { budget, audit }: RequestContext,
): Promise<T> {
  const { send, call, toCreated, find, toExisting, settleMs = 200 } = options;
  const { conflictWaitsMs = () => [0, settleMs, 2 * settleMs] } = options;
  const create = (newConnection: boolean) => send({ ...call, newConnection }, budget);
  const auditCreated = () => audit(CREATED[call.kind]);

  /** Throws the answer's own failure where there is no time for a look. */
  async function findLater(waitMs: number, answer: FailedAnswer): Promise<T | undefined> {
    if (!budget.allows("read", waitMs)) throw toAppError(answer);
    await sleep(waitMs);
    return find({ newConnection: true });
  }

  async function findExisting(answer: FailedAnswer): Promise<T> {
    const unclear = { ...answer, outcome: "ambiguous", reason: "conflict_but_not_found" } as const;
    let existing = toExisting?.();
    for (const waitMs of conflictWaitsMs()) {
      const look = () =>
        waitMs === 0 ? find({ newConnection: false }) : findLater(waitMs, unclear);
      existing ??= await look();
    }
    if (existing === undefined) throw toAppError(unclear);
    return existing;
  }

  let answer = await create(false);
  for (let isLast = false; ; isLast = true) {
    if (answer.outcome === "conflict") {
      const existing = await findExisting(answer);
      if (isLast) auditCreated(); // It was this request's own create, the answer to which was lost.
      return existing;
    }
    if (answer.outcome !== "ambiguous") {
      const created = toCreated(answer);
      if (answer.outcome === "ok") auditCreated();
      return created;
    }

    const found = await findLater(settleMs, answer);
    if (found !== undefined) {
      auditCreated();
      return found;
    }
    if (isLast || !budget.allows(call.kind, 0)) throw toAppError(answer);
    answer = await create(true);
  }
}

/** Longer than a read of MX takes to come back. */
const RECENT_MS = 3000;
const MAX_RECENT = 10_000;

type CreateOnce = {
  <T>(options: CreateOrFindOptions<T>, context: RequestContext): Promise<T>;
  /** MX shows it now: if it is not found any more, it was deleted. */
  confirm(key: string): void;
};

/** What the last request has left: when it was done, by a clock that never goes back. */
type Attempt = { endedAt: number; isThere: boolean; isShown: boolean };

/** One for each kind of thing of one tenant. */
export function createCreateOnce(): CreateOnce {
  const runExclusive = createKeyedMutex();
  const attempts = new LRUCache<string, Attempt>({
    max: MAX_RECENT,
    ttl: RECENT_MS,
    perf: performance,
  });

  function createOnce<T>(options: CreateOrFindOptions<T>, context: RequestContext) {
    const { budget } = context;
    const key = options.call.serializeBy;
    const askedAt = performance.now();
    return runExclusive(key, budget, async () => {
      const last = attempts.get(key);
      const attempt = { isThere: false, isShown: false, ...last };
      try {
        const made = last && (await findMade(options, last, askedAt, budget));
        attempt.isShown &&= made !== undefined;
        const result = made ?? (await createOrFind(options, context));
        attempt.isThere = options.isThere?.(result) ?? true;
        return result;
      } finally {
        attempts.set(key, { ...attempt, endedAt: performance.now() });
      }
    });
  }

  function confirm(key: string): void {
    const attempt = attempts.peek(key);
    if (attempt) attempt.isShown = true;
  }

  return Object.assign(createOnce, { confirm });
}

/** What the last request has made, or may have made where it failed meanwhile. */
async function findMade<T>(
  { toExisting, find, showsWithinMs = 0 }: CreateOrFindOptions<T>,
  { endedAt, isThere, isShown }: Attempt,
  askedAt: number,
  budget: Budget,
): Promise<T | undefined> {
  const wasAwaited = endedAt >= askedAt;
  if (!isThere && !wasAwaited) return undefined;
  const existing = isThere && wasAwaited ? toExisting?.() : undefined;
  const found = existing ?? (await find({ newConnection: false }));
  if (found !== undefined || !isThere || isShown) return found;
  const waitMs = endedAt + showsWithinMs - performance.now();
  if (waitMs <= 0 || !budget.allows("read", waitMs)) return undefined;
  await sleep(waitMs);
  return find({ newConnection: false });
}
