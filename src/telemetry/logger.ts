/**
 * JSON lines through a closed schema: there is no way to log an object as it is.
 *
 * Neither tokens, keys, personal data, ids of users nor widget URLs can get in: every field is a number, a word of a
 * closed set, or a value that was checked. Of an unexpected error only its name, code and our own stack frames are kept.
 * Users have a pseudonym (decision 0012; docs/observability.md has the same formula as a shell command).
 */

import { createHmac } from "node:crypto";
import { pino } from "pino";
import { AppError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { RedisProblem } from "../session/settings.ts";
import type { Principal } from "../session/types.ts";
import { createLogDestination, type LogDestination } from "./log-destination.ts";
import {
  CHANGES,
  type ChangeEntry,
  type FileEntry,
  LIFECYCLE,
  type LifecycleEvent,
  type LifecycleFields,
  OUTCOMES,
  type ParserRefusal,
  type ProfileFailure,
  type ProfileRefusal,
  REFUSAL_HINTS,
  type RequestEntry,
} from "./log-entries.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

export type Logger = {
  request(entry: RequestEntry): void;
  /** An error of our own outside of any request. */
  fault(cause: unknown): void;
  change(entry: ChangeEntry): void;
  profileFailed(entry: ProfileFailure): void;
  profileRefused(entry: ProfileRefusal): void;
  lifecycle(event: LifecycleEvent, fields?: LifecycleFields): void;
  /** Something that an operator should know. `message` is a constant text. */
  warning(warning: { name: string; message: string }): void;
  /** Bytes that were no request were refused, `count` times since the last line of this kind. */
  parserRefusal(kind: ParserRefusal, count: number): void;
  /** The store that replicas share for rate limits. */
  redis(state: "failed" | "recovered", problem?: RedisProblem): void;
  file(entry: FileEntry): void;
  /** Lines that could not be written. */
  linesLost(): number;
};

/** `destination` needs `flush` and `linesLost` only where it keeps lines back or loses some. */
export function createLogger(
  level: LogLevel,
  destination: Pick<LogDestination, "write"> & Partial<LogDestination> = createLogDestination(),
): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );

  return {
    request: (entry) => log[toLevel(entry)](toFields(entry), "request"),
    fault: (cause) => log.error(describe(cause), "fault"),
    profileFailed({ error, ...user }) {
      const isOwn = error instanceof AppError;
      const fields = isOwn ? toUpstreamFields(error) : describe(error);
      log.warn({ ...toEventFields("profile.unavailable", "failure", user), ...fields }, "profile");
    },
    profileRefused({ fields, ...user }) {
      const event = toEventFields("profile.refused", "failure", user);
      log.warn({ ...event, "profile.fields": fields.join() }, "profile");
    },
    change({ event, clientAddress, ...user }) {
      const fields = toEventFields(CHANGES[event], "success", user);
      log.info({ ...fields, "client.address": clientAddress }, "change");
      log.flush();
    },
    lifecycle(event, fields) {
      log.info({ "event.name": LIFECYCLE[event], ...fields }, event);
      log.flush();
    },
    warning: ({ name, message }) =>
      log.warn({ "event.name": "configuration.warning", warning: name }, message),
    parserRefusal(kind, count) {
      const fields = { "event.name": "parser.refused", "error.reason": kind, count };
      log.warn({ ...fields, hint: REFUSAL_HINTS[kind] }, "parser_refusal");
    },
    redis(state, problem) {
      const fields = { "event.name": `redis.${state}`, "error.reason": problem };
      log[state === "failed" ? "warn" : "info"](fields, "redis");
    },
    file({ event, variable, tenant, reason, hint }) {
      const fields = {
        "event.name": `file.${event}`,
        variable,
        tenant,
        "error.reason": reason,
        hint,
      };
      log[event === "changed" ? "warn" : "info"](fields, "file");
    },
    linesLost: () => destination.linesLost?.() ?? 0,
  };
}

/** `error` needs action by the operator. Failures of MX are warnings. */
function toLevel({ status, error }: RequestEntry): "info" | "warn" | "error" {
  if (error?.code === "internal_error" || error?.code === "upstream_rejected") return "error";
  if (error?.upstream?.outcome === "rejected") return "error"; // Our credentials, at the partner's login.
  return status >= 500 ? "warn" : "info";
}

function toFields(entry: RequestEntry): Record<string, unknown> {
  const { error } = entry;
  return {
    "http.request.method": entry.method,
    "http.route": entry.route,
    "http.response.status_code": entry.status,
    duration_ms: entry.durationMs,
    request_id: entry.requestId,
    request_id_received: entry.receivedRequestId,
    trace_id: entry.traceId,
    "event.name": entry.event,
    "event.outcome": entry.event && OUTCOMES[entry.event],
    tenant: entry.tenant,
    "user.hash": entry.userHash,
    "client.address": entry.clientAddress,
    "mx.widget_type": entry.widgetType,
    "mx.calls": entry.mxCalls,
    "client.gone": entry.isClientGone || undefined,
    "error.type": entry.errorType,
    ...toUpstreamFields(error),
    ...(error?.code === "internal_error" && describe(error.cause)),
  };
}

function toUpstreamFields(error: AppError | undefined): Record<string, unknown> {
  return {
    "error.reason": error?.reason,
    "upstream.operation": error?.upstream?.operation,
    "upstream.outcome": error?.upstream?.outcome,
    "upstream.status": error?.upstream?.status,
    "upstream.reason": error?.upstream?.reason,
  };
}

/** Of what happens while a session is opened. */
function toEventFields(
  name: string,
  outcome: "success" | "failure",
  { requestId, traceId, tenant, userHash }: Omit<ProfileFailure, "error">,
) {
  return {
    "event.name": name,
    "event.outcome": outcome,
    request_id: requestId,
    trace_id: traceId,
    tenant,
    "user.hash": userHash,
  };
}

/** Messages and fields of foreign errors can hold anything. Frames are shortened to our own files. */
function describe(cause: unknown): Record<string, unknown> {
  if (!(cause instanceof Error)) return { "error.name": typeof cause };
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  const frames = cause.stack?.replace(cause.message, "").match(/\bsrc\/[\w/-]{1,80}\.ts:\d+:\d+/g);
  return {
    "error.name": /^\w{1,64}$/.test(cause.name) ? cause.name : "Error",
    "error.code": code && /^[A-Z0-9_]{1,64}$/.test(code) ? code : undefined,
    "error.frames": frames?.slice(0, 8),
  };
}

export type ToPseudonym = (principal: Pick<Principal, "issuer" | "subject">) => string;

/**
 * The same user has the same pseudonym. Whoever has the key and a user's issuer and subject can compute it and search for it.
 * The purpose is part of what is hashed, so no other use of the same key gives the same value.
 */
export function createPseudonym(key: Secret): ToPseudonym {
  return function toPseudonym({ issuer, subject }) {
    const hmac = createHmac("sha256", key.reveal()).update(`user.hash\0${issuer}\0${subject}`);
    return hmac.digest("base64url").slice(0, 22); // 132 bits.
  };
}
