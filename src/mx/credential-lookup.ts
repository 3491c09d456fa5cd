/**
 * Asks the partner's own endpoint for a Member's credentials, server to server.
 *
 * `POST {"user_id","issuer","subject"}` with a bearer token, answered by `{"userkey","expires"}` or
 * `{"login","password"}`. Safe to repeat, so a call that was cut off is repeated once.
 */

import * as z from "zod";
import { AppError, type UpstreamFailure } from "../errors.ts";
import { parseJson } from "../json.ts";
import type { Secret } from "../secret.ts";
import { MIN_CALL_MS, timeIsUp } from "../session/budget.ts";
import { type CredentialLookup, toUserkey } from "../session/credentials.ts";
import type { Exchange, ExchangeRequest, ExchangeResult } from "../upstream/exchange.ts";
import type { ExchangeFailure } from "../upstream/failure.ts";

export type CredentialLookupOptions = {
  exchange: Exchange;
  url: URL;
  token: Secret;
};

const TIMEOUT_MS = 2000;

const text = z.string().min(1).max(4096);
const Credentials = z.union([
  z.object({ userkey: text, expires: z.boolean().default(false) }),
  z.object({ login: text, password: text }),
]);

/** Throws `forbidden` on 404, and `upstream_…` for every other failure. */
export function createCredentialLookup(options: CredentialLookupOptions): CredentialLookup {
  const { exchange } = options;

  return async function lookUpCredentials({ userId, principal }, { budget }) {
    const { issuer, subject } = principal;
    const request = toLookupRequest(options, { user_id: userId, issuer, subject });
    const ask = (newConnection: boolean) => {
      if (budget.remainingMs() < MIN_CALL_MS) throw timeIsUp();
      return exchange({ ...request, newConnection }, Math.min(TIMEOUT_MS, budget.remainingMs()));
    };
    const first = await ask(false);
    const result =
      first.kind === "failure" && isWorthRepeating(first.failure) ? await ask(true) : first;
    return toCredentials(result);
  };
}

export function toLookupRequest(
  { url, token }: Pick<CredentialLookupOptions, "url" | "token">,
  question: { user_id: string; issuer: string; subject: string },
): ExchangeRequest {
  return {
    method: "POST",
    path: url.pathname + url.search,
    headers: {
      authorization: `Bearer ${token.reveal()}`,
      "content-type": "application/json",
      accept: "application/json",
    },
    body: JSON.stringify(question),
  };
}

function isWorthRepeating(failure: ExchangeFailure): boolean {
  return failure === "not_sent" || failure === "connection_lost" || failure === "stale";
}

type FailureCode =
  | "upstream_timeout"
  | "upstream_unavailable"
  | "upstream_rejected"
  | "upstream_bad_response";

const FAILURE_CODES: Record<ExchangeFailure, FailureCode> = {
  not_sent: "upstream_unavailable",
  connection_lost: "upstream_unavailable",
  stale: "upstream_unavailable",
  timeout: "upstream_timeout",
  malformed: "upstream_bad_response",
  tls_error: "upstream_bad_response",
};

function toCredentials(result: ExchangeResult) {
  if (result.kind === "failure") {
    const { failure: outcome, reason } = result;
    throw failed(FAILURE_CODES[outcome], { outcome, reason });
  }
  const { status } = result;
  if (status === 404) {
    throw new AppError("forbidden", "The partner knows no MX credentials for this user.", {
      reason: "no_credentials",
    });
  }
  if (status === 429 || status >= 500) {
    throw failed("upstream_unavailable", { outcome: "unavailable", status });
  }
  if (status !== 200) throw failed("upstream_rejected", { outcome: "rejected", status });
  const parsed = Credentials.safeParse(parseJson(result.text));
  if (!parsed.success) {
    throw failed("upstream_bad_response", {
      outcome: "invalid_response",
      reason: "schema",
      status,
    });
  }
  if ("userkey" in parsed.data) return toUserkey(parsed.data.userkey, parsed.data.expires);
  const { login, password } = parsed.data;
  return {
    fields: [
      { name: "login", response: login },
      { name: "password", response: password },
    ] as const,
    expires: true, // Nobody can say for how long a password stays the same.
  };
}

function failed(code: FailureCode, upstream: Omit<UpstreamFailure, "operation">): AppError {
  return new AppError(code, "The partner's credential lookup did not give a usable answer.", {
    ...(code === "upstream_unavailable" && { retryAfterSeconds: 1 }),
    upstream: { operation: "partner.credential_lookup", ...upstream },
  });
}
