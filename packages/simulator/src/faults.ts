/**
 * What can be made to go wrong with a call, and the plan of what will.
 *
 * A fault hits a call instead of MX's own answer. `applied: true` lets MX do its work first ("applied, then 502").
 */

import { z } from "zod";
import type { Reply } from "./answer.ts";
import type { Operation } from "./operation.ts";

const applied = z.boolean().optional();
const status = z.int().min(200).max(599);
const headers = z.record(z.string(), z.string()).optional();

/** `truncate` and `wrongUser` distort MX's own answer, so there the work is always done. */
export const Fault = z.discriminatedUnion("kind", [
  /** Answers with this status; without a body, with the one that MX sends for it. */
  z.strictObject({
    kind: z.literal("status"),
    status,
    body: z.json().optional(),
    headers,
    applied,
  }),
  /** Never answers. */
  z.strictObject({ kind: z.literal("silence"), applied }),
  /** Answers as usual, but later: the work is done after the wait, with `applied` before it. */
  z.strictObject({ kind: z.literal("delay"), ms: z.number().min(0), applied }),
  /** Resets the connection before or after the work is done. */
  z.strictObject({ kind: z.literal("reset"), when: z.enum(["before", "after"]) }),
  /** Answers with exactly this text. Default: 200, application/json. */
  z.strictObject({
    kind: z.literal("raw"),
    body: z.string(),
    contentType: z.string().optional(),
    status: status.optional(),
    headers,
    applied,
  }),
  /** Announces the whole answer, sends half of it, closes the connection. */
  z.strictObject({ kind: z.literal("truncate"), applied: z.literal(true).optional() }),
  /** Answers as if the thing that was asked for did not exist. */
  z.strictObject({ kind: z.literal("absent"), applied }),
  /** Answers with somebody else's ids. */
  z.strictObject({ kind: z.literal("wrongUser"), applied: z.literal(true).optional() }),
]);
export type Fault = z.infer<typeof Fault>;

export type FaultOptions = {
  /** Which calls it hits. Default: any. */
  operation?: Operation | undefined;
  /** How many calls it hits; may be `Infinity`. Default: 1. */
  times?: number | undefined;
};

export type PlannedFault = {
  readonly fault: Fault;
  readonly operation: Operation | undefined;
  readonly timesLeft: number;
};

export type FaultPlan = {
  readonly pending: readonly PlannedFault[];
  add(fault: Fault, options?: FaultOptions): void;
  /** The fault that hits this call, if one is due: the oldest that fits. */
  take(operation: Operation | "unknown"): Fault | undefined;
  clear(): void;
};

export function createFaultPlan(): FaultPlan {
  let plan: PlannedFault[] = [];

  return {
    get pending() {
      return plan;
    },
    add(fault, { operation, times = 1 } = {}) {
      if (times > 0) plan = [...plan, { fault, operation, timesLeft: times }];
    },
    take(operation) {
      const due = plan.find((planned) => (planned.operation ?? operation) === operation);
      plan = plan
        .map((planned) =>
          planned === due ? { ...planned, timesLeft: planned.timesLeft - 1 } : planned,
        )
        .filter((planned) => planned.timesLeft > 0);
      return due?.fault;
    },
    clear() {
      plan = [];
    },
  };
}

/** The ids that either API uses for a User, wherever they stand in an answer. */
const SOMEBODY_ELSE: Readonly<Record<string, string>> = {
  user_guid: "USR-99999999-9999-4999-8999-999999999999",
  user_id: "somebody-else",
  id: "somebody-else",
  external_user_guid: "somebody-else",
  external_guid: "somebody-else",
};

/** The same reply, except that it speaks of another User. */
export function asSomebodyElse(reply: Reply): Reply {
  if (reply === "silence" || reply.body === undefined) return reply;
  return { ...reply, body: JSON.parse(JSON.stringify(reply.body), replaceUserId) };
}

function replaceUserId(key: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (key === "guid") return value.startsWith("USR-") ? SOMEBODY_ELSE.user_guid : value;
  return SOMEBODY_ELSE[key] ?? value;
}
