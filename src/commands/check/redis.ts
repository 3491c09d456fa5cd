/** Whether Redis can count for all replicas: reached, logged in, and writable. */

import { Redis } from "ioredis";
import type { Secret } from "../../secret.ts";
import { toTransportReason } from "../../upstream/failure.ts";
import type { Judgement } from "./finding.ts";
import { judgeFailure } from "./no-answer.ts";

const TIMEOUT_MS = 3000;

export function toRedisTarget(url: Secret): string {
  const { hostname, port } = new URL(url.reveal());
  return `${hostname}:${port || 6379}`;
}

/** Writes one key of its own that ends after a second: reading alone would not show a replica, or a user without rights. */
export async function checkRedis(url: Secret): Promise<Judgement> {
  const host = toRedisTarget(url);
  const redis = new Redis(url.reveal(), {
    lazyConnect: true,
    enableReadyCheck: false, // INFO may not be allowed.
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let connectionError: unknown;
  redis.on("error", (error) => {
    connectionError = error;
  });
  try {
    await redis.connect();
    await redis.set("mx-session-bff:check", "1", "PX", 1000);
    return { verdict: "ok", message: `${host} counts.` };
  } catch (error) {
    return judge([error, connectionError], host);
  } finally {
    redis.disconnect();
  }
}

/** The first words of Redis's errors are stable; the rest can hold names. */
function judge(errors: readonly unknown[], host: string): Judgement {
  const text = errors.map((error) => (error instanceof Error ? error.message : "")).join("\n");
  if (/^(WRONGPASS|NOAUTH|ERR invalid password|ERR AUTH)/m.test(text)) {
    return {
      verdict: "key_refused",
      message: `${host} refuses the password.`,
      next: "Put user name and password into REDIS_URL, percent-encoded: redis://user:password@host:6379",
    };
  }
  if (/^NOPERM/m.test(text)) {
    return {
      verdict: "key_refused",
      message: `${host} does not let this user write.`,
      next: "Allow the user the keys mx-session-bff:* and the commands to read, write and run scripts.",
    };
  }
  if (/^READONLY/m.test(text)) {
    return {
      verdict: "read_only",
      message: `${host} is a replica that cannot be written to.`,
      next: "Name the primary in REDIS_URL.",
    };
  }
  const code = errors.map(codeOf).find((found) => found !== "");
  const isCertificate = /cert|self_signed|unable_to|err_ssl|err_tls/.test(code ?? "");
  if (isCertificate || /^(econn|enotfound|eai_|ehost|enet)/.test(code ?? "")) {
    const failure = isCertificate ? "tls_error" : "not_sent";
    const judged = judgeFailure(
      { kind: "failure", failure, reason: toTransportReason(code ?? "") },
      host,
    );
    return { ...judged, next: `REDIS_URL: ${judged.next}` };
  }
  return {
    verdict: "no_answer",
    message: `${host} did not answer as Redis does.`,
    next: "Make sure that REDIS_URL is right; rediss:// where it wants TLS, redis:// where it does not.",
  };
}

function codeOf(error: unknown): string {
  const hasCode = error instanceof Error && "code" in error && typeof error.code === "string";
  return hasCode ? String(error.code).toLowerCase() : "";
}
