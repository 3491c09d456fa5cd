/** The first code found in an error of Node, undici or OpenSSL; several addresses of one host fail as an `AggregateError`. */
export function errorCode(error: unknown): string {
  if (typeof error !== "object" || error === null) return "unknown";
  if ("code" in error && typeof error.code === "string") {
    const code = error.code.replaceAll("/", "_"); // Such as `ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE`.
    if (/^[A-Z0-9_]{1,64}$/.test(code)) return code;
  }
  if ("errors" in error && Array.isArray(error.errors)) return errorCode(error.errors[0]);
  return "unknown";
}
