/** What is logged: the entries of the closed schema, and the words that stand for them in a line. */

import type { AppError } from "../errors.ts";
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

/**
 * What came of a request for a session. `failed`: by us or MX. `abandoned`: the caller had gone before the answer.
 *
 * Source of the field names: OpenTelemetry (`event.name`, `client.address`); Elastic Common Schema for the others.
 */
export const OUTCOMES = {
  "session.opened": "success",
  "session.refused": "failure",
  "session.failed": "failure",
  "session.abandoned": "unknown",
  "authentication.failed": "failure",
  "rate_limit.exceeded": "failure",
} as const;

export type RequestEvent = keyof typeof OUTCOMES;

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

export const LIFECYCLE = {
  listening: "service.started",
  configured: "configuration.loaded",
  draining: "service.draining",
  stopped: "service.stopped",
} as const;

export type LifecycleEvent = keyof typeof LIFECYCLE;

export type LifecycleFields = {
  port?: number;
  operationsPort?: number;
  version?: string;
  tenants?: number;
  /** The same for the same configuration, secrets aside. */
  config_digest?: string;
};

export const CHANGES: Record<SessionEvent, string> = {
  user_created: "mx.user.created",
  member_created: "mx.member.created",
  member_updated: "mx.member.updated",
  user_healed: "mx.user.healed",
};

/** What Node's HTTP parser gave up on (http/parser-refusals.ts): what the bytes look like, and what to do. */
export const REFUSAL_HINTS = {
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
} as const;

export type ParserRefusal = keyof typeof REFUSAL_HINTS;

export const PARSER_REFUSALS = Object.keys(REFUSAL_HINTS) as ParserRefusal[];
