/**
 * What an error of Node, undici or OpenSSL says about the exchange that failed with it.
 *
 * Only codes are read: messages and other fields of these errors can hold bytes of the request or the answer.
 */

import type { TransportReason } from "../errors.ts";
import { isAfterReuse, isBeforeConnection } from "./connection-marks.ts";

/**
 * - `not_sent`: no byte can have arrived
 * - `timeout`: no complete answer within the limit
 * - `connection_lost`: the connection ended before the answer did
 * - `stale`: a connection that had been used before ended without a byte of this answer: it was probably closed while idle
 * - `malformed`: an answer that is not acceptable HTTP: it breaks the protocol, is too large, or is compressed
 * - `tls_error`: the certificate cannot be trusted
 */
export type ExchangeFailure =
  | "not_sent"
  | "timeout"
  | "connection_lost"
  | "stale"
  | "malformed"
  | "tls_error";

const NOT_SENT_CODES = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_ABORTED", // A proxy that opens no tunnel. Our own abort comes after the answer to it.
]);
/** They can also end a connection that is open: then bytes may have arrived. */
const UNREACHABLE_CODES = new Set(["EHOSTUNREACH", "ENETUNREACH"]);
const MALFORMED_CODES = new Set(["UND_ERR_RES_EXCEEDED_MAX_SIZE", "UND_ERR_HEADERS_OVERFLOW"]);
const CERTIFICATE_CODE =
  /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_SSL|INVALID_(CA|PURPOSE)|PATH_LENGTH)/;

/** `hasHeaders`: the answer had begun. */
export function toFailure(
  error: unknown,
  hasHeaders: boolean,
): { failure: ExchangeFailure; reason: TransportReason } {
  const code = errorCode(error);
  const reason = proxyRefusal(error) ?? toTransportReason(code);
  if (CERTIFICATE_CODE.test(code)) return { failure: "tls_error", reason };
  if (isNotSent(error, code)) return { failure: "not_sent", reason };
  if (isMalformed(error, code, hasHeaders)) return { failure: "malformed", reason: "malformed" };
  if (error instanceof Error && isAfterReuse(error)) {
    return { failure: "stale", reason: "stale_connection" };
  }
  return { failure: "connection_lost", reason };
}

/** Such as `proxy_407`. undici gives the status of a proxy that opens no tunnel in its message alone. */
function proxyRefusal(error: unknown): TransportReason | undefined {
  const message = error instanceof Error ? error.message : "";
  const [, status] = /^Proxy response \((\d{3})\)/.exec(message) ?? [];
  return status === undefined ? undefined : `proxy_${Number(status)}`;
}

/** In lower case, and `unknown` for what is not an error code. */
export function toTransportReason(code: string): TransportReason {
  const reason = code.toLowerCase();
  return isErrorCode(reason) ? reason : "unknown";
}

function isErrorCode(word: string): word is TransportReason {
  return /^(e|und_err_|hpe_|cert_|crl_|depth_zero_|self_signed_|unable_to_|path_length_|invalid_|hostname_mismatch$)/.test(
    word,
  );
}

/** The first code found; several addresses of one host fail as an `AggregateError`. */
function errorCode(error: unknown): string {
  if (typeof error !== "object" || error === null) return "unknown";
  if ("code" in error && typeof error.code === "string" && /^[A-Z0-9_]{1,64}$/.test(error.code))
    return error.code;
  if ("errors" in error && Array.isArray(error.errors)) return errorCode(error.errors[0]);
  return "unknown";
}

/**
 * Against an end in the middle, which undici reports with the same classes: as a length that does not fit, but after the
 * headers, and as a parser error that names the end of file.
 */
function isMalformed(error: unknown, code: string, hasHeaders: boolean): boolean {
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return !hasHeaders;
  if (MALFORMED_CODES.has(code)) return true;
  return (
    error instanceof Error && error.name === "HTTPParserError" && !/\bEOF\b/.test(error.message)
  );
}

/** With a proxy in between only the codes tell. */
function isNotSent(error: unknown, code: string): boolean {
  if (!(error instanceof Error)) return false;
  if (isBeforeConnection(error) || NOT_SENT_CODES.has(code)) return true;
  return UNREACHABLE_CODES.has(code) && isOfConnect(error);
}

function isOfConnect(error: Error): boolean {
  if ("syscall" in error) return error.syscall === "connect";
  return error instanceof AggregateError && error.errors.every((one) => isOfConnect(one));
}
