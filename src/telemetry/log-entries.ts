/**
 * What is logged: the entries of the closed schema, and the fields that they become, by the names that OpenTelemetry and the
 * Elastic Common Schema have for them.
 */

import { AppError } from "../errors.ts";
import type { SessionEvent } from "../session/types.ts";

export type RequestEntry = {
  method: string;
  /** Template, never the raw path. */
  route: string;
  status: number;
  durationMs: number;
  requestId: string;
  /** The one that came with the request, if it was not taken over: at most 128 printable characters. */
  receivedRequestId?: string | undefined;
  /** Where a span is recording. */
  traceId?: string | undefined;
  tenant: string | undefined;
  /** For requests that ask for a session: what an auditor looks for. */
  event?: RequestEvent | undefined;
  /** A pseudonym, once the user is known. */
  userHash?: string | undefined;
  /** IP address; only with an event. */
  clientAddress?: string | undefined;
  widgetType?: string | undefined;
  mxCalls: number | undefined;
  isClientGone: boolean;
  error: AppError | undefined;
  errorType: string | undefined;
};

/** `failed`: by us or MX. `abandoned`: the caller had gone before the answer. */
export type RequestEvent =
  | "session.opened"
  | "session.refused"
  | "session.failed"
  | "session.abandoned"
  | "authentication.failed"
  | "rate_limit.exceeded";

/** Why Node's HTTP parser gave up on what came: http/parser-refusals.ts. */
export const PARSER_REFUSALS = [
  "http2",
  "proxy_protocol_v1",
  "proxy_protocol_v2",
  "tls",
  "plain_http",
  "tls_handshake",
  "headers_too_large",
  "timeout",
  "malformed",
] as const;

export type ParserRefusal = (typeof PARSER_REFUSALS)[number];

/** Something was changed at MX for a user. */
export type ChangeEntry = Pick<RequestEntry, "requestId" | "traceId" | "clientAddress"> & {
  event: SessionEvent;
  tenant: string;
  userHash: string;
};

/** A new user's profile could not be read where it is kept. */
export type ProfileFailure = Pick<ChangeEntry, "requestId" | "traceId" | "tenant" | "userHash"> & {
  error: unknown;
};

/** `fields`: MX's names of what was left out. */
export type ProfileRefusal = Omit<ProfileFailure, "error"> & { fields: readonly string[] };

/** What became of a file that a variable names, since it was read. */
export type FileEntry = {
  variable: string;
  tenant: string | undefined;
  /** `changed`: it differs from what is used. `taken_over`: what is in it now is used. `restored`: it differs no more. */
  event: "changed" | "taken_over" | "restored";
  /** Why it was not taken over, though it could have been. */
  reason?: FileReason | undefined;
  /** What an operator has to do. A constant text. */
  hint?: string | undefined;
};

export type FileReason =
  | "unreadable"
  | "no_usable_key"
  | "no_certificate"
  | "no_key"
  | "encrypted_key"
  | "mismatch"
  | "refused_by_openssl"
  | "expired"
  | "not_yet_valid";

export type LifecycleEvent = "listening" | "configured" | "draining" | "stopped";

export type LifecycleFields = {
  port?: number;
  operationsPort?: number;
  version?: string;
  tenants?: number;
  /** The same for the same configuration, secrets aside. */
  configDigest?: string;
};

/** `error` is what somebody has to act on; MX's bad days are warnings. */
export function toLevel({ status, error }: RequestEntry): "info" | "warn" | "error" {
  if (error?.code === "internal_error" || error?.code === "upstream_rejected") return "error";
  if (error?.upstream?.outcome === "rejected") return "error"; // Our credentials, at the partner's login.
  return status >= 500 ? "warn" : "info";
}

export function toFields(entry: RequestEntry): Record<string, unknown> {
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

/** Source of the field names: OpenTelemetry (`event.name`, `client.address`); Elastic Common Schema for the others. */
const OUTCOMES: Record<RequestEvent, "success" | "failure" | "unknown"> = {
  "session.opened": "success",
  "session.refused": "failure",
  "session.failed": "failure",
  "session.abandoned": "unknown",
  "authentication.failed": "failure",
  "rate_limit.exceeded": "failure",
};

const CHANGES: Record<SessionEvent, string> = {
  user_created: "mx.user.created",
  member_created: "mx.member.created",
  member_updated: "mx.member.updated",
  user_healed: "mx.user.healed",
};

export function toChangeFields(entry: ChangeEntry): Record<string, unknown> {
  return {
    "event.name": CHANGES[entry.event],
    "event.outcome": "success",
    request_id: entry.requestId,
    trace_id: entry.traceId,
    tenant: entry.tenant,
    "user.hash": entry.userHash,
    "client.address": entry.clientAddress,
  };
}

export function toProfileFields({ error, ...entry }: ProfileFailure) {
  const fields = {
    "event.name": "profile.unavailable",
    "event.outcome": "failure",
    ...toCommonFields(entry),
  };
  return error instanceof AppError
    ? { ...fields, ...toUpstreamFields(error) }
    : { ...fields, ...describe(error) };
}

export function toCommonFields({
  requestId,
  traceId,
  tenant,
  userHash,
}: Omit<ProfileFailure, "error">) {
  return { request_id: requestId, trace_id: traceId, tenant, "user.hash": userHash };
}

const LIFECYCLE: Record<LifecycleEvent, string> = {
  listening: "service.started",
  configured: "configuration.loaded",
  draining: "service.draining",
  stopped: "service.stopped",
};

export function toLifecycleFields(event: LifecycleEvent, fields: LifecycleFields) {
  const { configDigest, ...others } = fields;
  return { "event.name": LIFECYCLE[event], ...others, config_digest: configDigest };
}

/** What the bytes look like, and what to do. */
export const REFUSAL_HINTS: Record<ParserRefusal, string> = {
  http2: "HTTP/2 without TLS. This port speaks HTTP/1.1: set the proxy's upstream protocol to it.",
  proxy_protocol_v1: "PROXY protocol, version 1. Switch it off at the load balancer.",
  proxy_protocol_v2: "PROXY protocol, version 2. Switch it off at the load balancer.",
  tls: "TLS. This port speaks plain HTTP: set the proxy's upstream scheme to http.",
  plain_http:
    "Plain HTTP. This port speaks TLS: set the proxy's upstream scheme to https, or leave TLS_CERT_FILE out.",
  tls_handshake:
    "A TLS handshake that failed: a client that does not trust the certificate, or knows only TLS 1.1 or older.",
  headers_too_large: "A request with more headers than fit, such as many or large cookies.",
  timeout: "A connection that sent no complete request in time.",
  malformed: "No valid HTTP/1.1.",
};

/** Messages and fields of foreign errors can hold anything. Frames are shortened to our own files. */
export function describe(cause: unknown): Record<string, unknown> {
  if (!(cause instanceof Error)) return { "error.name": typeof cause };
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  const frames = cause.stack?.replace(cause.message, "").match(/\bsrc\/[\w/-]{1,80}\.ts:\d+:\d+/g);
  return {
    "error.name": /^\w{1,64}$/.test(cause.name) ? cause.name : "Error",
    "error.code": code && /^[A-Z0-9_]{1,64}$/.test(code) ? code : undefined,
    "error.frames": frames?.slice(0, 8),
  };
}
