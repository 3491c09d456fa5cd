/**
 * The certificate that an upstream is shown, and what it says about it, or about its absence.
 *
 * A server says so with an alert: in TLS 1.2 during the handshake, in TLS 1.3 after it, when the first request may be on its way.
 * nginx says so with a page, and some servers just close the connection. None of them has looked at the request.
 * Sources: RFC 5246, section 7.2.2; RFC 8446, section 6.2; nginx, ngx_http_ssl_module, "Error Processing".
 */

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { CertificateReason } from "../errors.ts";
import type { Secret } from "../secret.ts";

/** The pair in use now, in PEM. It may be another one for a connection that is opened later. */
export type ClientCertificate = () => Readonly<{ cert: Secret; key: Secret }>;

export type CertificateRequest = Readonly<{
  /** The server has asked for a certificate. */
  isAsked: boolean;
  /** There is one to show. */
  isShown: boolean;
}>;

/**
 * OpenSSL knows which signature algorithms both sides have only if the server has asked for a signature. Once the socket is
 * closed, nothing is known.
 */
export function readRequest(socket: Socket | undefined, isShown: boolean): CertificateRequest {
  const algorithms = socket instanceof TLSSocket ? socket.getSharedSigalgs() : [];
  return { isAsked: algorithms?.length > 0, isShown };
}

/** A server sends these only about a client's certificate. */
const ALERTS: ReadonlyMap<string, CertificateReason> = new Map([
  ["CERTIFICATE_REQUIRED", "client_certificate_refused"],
  ["BAD_CERTIFICATE", "client_certificate_refused"],
  ["UNSUPPORTED_CERTIFICATE", "client_certificate_refused"],
  ["CERTIFICATE_UNKNOWN", "client_certificate_refused"],
  ["CERTIFICATE_REVOKED", "client_certificate_revoked"],
  ["CERTIFICATE_EXPIRED", "client_certificate_expired"],
  ["UNKNOWN_CA", "client_certificate_unknown_ca"],
]);

/** And these about other things, too. */
const AMBIGUOUS_ALERTS = ["HANDSHAKE_FAILURE", "ACCESS_DENIED", "DECRYPT_ERROR"];

/** Whether a connection failed over the certificate. `code`: of its error. */
export function findRefusal(
  code: string,
  { isAsked, isShown }: CertificateRequest,
): CertificateReason | undefined {
  const [, alert = ""] = /^ERR_SSL_\w+_ALERT_(\w+)$/.exec(code) ?? [];
  const reason = ALERTS.get(alert);
  if (!reason && !(isAsked && AMBIGUOUS_ALERTS.includes(alert))) return undefined;
  return isShown ? (reason ?? "client_certificate_refused") : "client_certificate_required";
}

/** Whether an answer is about the certificate. One in JSON is the upstream's own, and may repeat what it was asked. */
export function findRefusalPage(
  { status, contentType, text }: { status: number; contentType: string; text: string },
  { isShown }: Pick<CertificateRequest, "isShown">,
): CertificateReason | undefined {
  if (![400, 403, 495, 496].includes(status) || /json/i.test(contentType)) return undefined;
  if (!/\b(client|SSL) certificate\b/i.test(text)) return undefined;
  return isShown ? "client_certificate_refused" : "client_certificate_required";
}
