/** What is logged: the closed schema of the log, before it becomes a line. */

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
