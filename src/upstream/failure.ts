/**
 * What an error of Node, undici or OpenSSL says about a failed exchange.
 *
 * Only codes are read: messages and other fields of these errors can hold bytes of the request or the answer.
 */

import type { CertificateReason, TransportReason } from "../errors.ts";
import type { CertificateRequest } from "./client-certificate.ts";

/**
 * - `not_sent`: no byte can have arrived
 * - `timeout`: no complete answer within the limit
 * - `silent`: no byte of the answer within the limit of a kept connection: it may have died in silence
 * - `connection_lost`: the connection ended before the answer did
 * - `stale`: a connection that had been used before ended without a byte of this answer: it was probably closed while idle
 * - `malformed`: an answer that is not acceptable HTTP: it breaks the protocol, is too large, or is compressed
 * - `tls_error`: the certificate cannot be trusted, or ours is missing or refused. Nothing was looked at
 */
export type ExchangeFailure =
  | "not_sent"
  | "timeout"
  | "silent"
  | "connection_lost"
  | "stale"
  | "malformed"
  | "tls_error";

/** Whether the connection may be the cause, so that a new one may help. */
export function isOfConnection(failure: ExchangeFailure): boolean {
  return ["not_sent", "silent", "connection_lost", "stale"].includes(failure);
}

const MALFORMED_CODES = new Set(["UND_ERR_RES_EXCEEDED_MAX_SIZE", "UND_ERR_HEADERS_OVERFLOW"]);
const CERTIFICATE_CODE =
  /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_SSL|INVALID_(CA|PURPOSE)|PATH_LENGTH)/;

export type Failed = { kind: "failure"; failure: ExchangeFailure; reason: TransportReason };

export function failed(failure: ExchangeFailure, reason: TransportReason): Failed {
  return { kind: "failure", failure, reason };
}

/** A proxy that opens no tunnel, or an origin that wants a client certificate, or another one. */
export class OpenRefusal extends Error {
  readonly failed: Failed;

  constructor(failed: Failed) {
    super("the connection was refused");
    this.failed = failed;
  }
}

/** For a connection that could not be opened. A host with an untrusted certificate gets no bytes either. */
export function toOpenFailure(error: unknown): Failed {
  if (error instanceof OpenRefusal) return error.failed;
  const code = errorCode(error);
  const failure = CERTIFICATE_CODE.test(code) ? "tls_error" : "not_sent";
  return failed(failure, toTransportReason(code));
}

export type FailedConnection = {
  /** The answer had begun. */
  hasHeaders: boolean;
  /** It had been idle, and has not brought a byte since: it was probably closed meanwhile. */
  isMute: boolean;
  /** It has not brought an answer before. */
  isFirst: boolean;
  certificate: CertificateRequest;
  /** It ended over the client certificate. */
  refusal: CertificateReason | undefined;
};

/** A connection failed with a request on it. */
export function toFailure(error: unknown, connection: FailedConnection): Failed {
  const { hasHeaders, isMute, isFirst, certificate, refusal } = connection;
  const code = errorCode(error);
  if (refusal) return failed("tls_error", refusal);
  const reason = toTransportReason(code);
  if (CERTIFICATE_CODE.test(code)) return failed("tls_error", reason);
  if (isMalformed(error, code, hasHeaders)) return failed("malformed", "malformed");
  if (isMute) return failed("stale", "stale_connection");
  // Closed without a word, probably over the certificate. One that was shown ours may have been closed for any reason.
  const lacksCertificate = isFirst && !hasHeaders && certificate.isAsked && !certificate.isShown;
  return failed("connection_lost", lacksCertificate ? "client_certificate_required" : reason);
}

/** The first code found; several addresses of one host fail as an `AggregateError`. */
export function errorCode(error: unknown): string {
  if (typeof error !== "object" || error === null) return "unknown";
  if ("code" in error && typeof error.code === "string") {
    const code = error.code.replaceAll("/", "_"); // Such as `ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE`.
    if (/^[A-Z0-9_]{1,64}$/.test(code)) return code;
  }
  if ("errors" in error && Array.isArray(error.errors)) return errorCode(error.errors[0]);
  return "unknown";
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
