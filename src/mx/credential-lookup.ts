/**
 * Asks the partner's own endpoint about a user, server to server: for the credentials of the Member, its id and a profile.
 *
 * `POST {"user_id","issuer","subject"}` with a bearer token, answered by `{"userkey","expires"}` or
 * `{"login","password"}`, optionally with `member_id` and `profile`. Safe to repeat, so an interrupted call is repeated once.
 */

import * as z from "zod";
import { AppError, type ErrorCode, type UpstreamFailure } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { MIN_CALL_MS, timeIsUp } from "../session/budget.ts";
import { type CredentialLookup, isCredential, toUserkey } from "../session/member.ts";
import type { Identity, MemberCredentials } from "../session/types.ts";
import { parseJson } from "../text.ts";
import {
  type Exchange,
  type ExchangeRequest,
  type ExchangeResult,
  withRepeat,
} from "../upstream/exchange.ts";
import type { ExchangeFailure } from "../upstream/failure.ts";

export type PartnerLookupOptions = {
  exchange: Exchange;
  url: URL;
  token: Secret;
};

const text = z.string().refine(isCredential);
const Credentials = z.union([
  z.object({ userkey: text, expires: z.boolean().default(false) }),
  z.object({ login: text, password: text }),
]);
/** Checked by the domain. */
const Besides = z.object({ member_id: z.unknown().optional(), profile: z.unknown().optional() });

export type PartnerLookup = {
  /** Throws `forbidden` on 404, and `upstream_…` for every other failure. */
  findCredentials: CredentialLookup;
  /** `profile` of the answer, unchecked; `undefined` on 404 too. Rejects as `findCredentials` does. */
  findProfile(identity: Identity, timeoutMs: number): Promise<unknown>;
};

export function createPartnerLookup(options: PartnerLookupOptions): PartnerLookup {
  const exchange = withRepeat(options.exchange);

  async function ask(identity: Identity, timeoutMs: number): Promise<ExchangeResult> {
    if (timeoutMs < MIN_CALL_MS) throw timeIsUp();
    const { userId, principal } = identity;
    const { issuer, subject } = principal;
    const request = toLookupRequest(options, { user_id: userId, issuer, subject });
    return exchange(request, timeoutMs);
  }

  return {
    async findCredentials(identity, { budget }) {
      const result = toAnswer(await ask(identity, budget.remainingMs()));
      if (result) return toCredentials(result);
      throw new AppError("forbidden", "There are no MX credentials for this user.", {
        reason: "no_credentials",
      });
    },
    async findProfile(identity, timeoutMs) {
      const result = toAnswer(await ask(identity, timeoutMs));
      return result && (parse(Besides, result).profile ?? undefined);
    },
  };
}

export function toLookupRequest(
  { url, token }: Pick<PartnerLookupOptions, "url" | "token">,
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

type FailureCode = Extract<ErrorCode, `upstream_${string}`>;

const FAILURE_CODES: Record<ExchangeFailure, FailureCode> = {
  not_sent: "upstream_unavailable",
  connection_lost: "upstream_unavailable",
  stale: "upstream_unavailable",
  timeout: "upstream_timeout",
  silent: "upstream_timeout",
  malformed: "upstream_bad_response",
  tls_error: "upstream_bad_response",
};

type GoodAnswer = Extract<ExchangeResult, { kind: "answer" }>;

/** `undefined`: the partner knows no such user. */
function toAnswer(result: ExchangeResult): GoodAnswer | undefined {
  if (result.kind === "failure") {
    const { failure: outcome, reason } = result;
    throw failed(FAILURE_CODES[outcome], { outcome, reason });
  }
  const { status } = result;
  if (status === 404) return undefined;
  if (status === 429 || status >= 500) {
    throw failed("upstream_unavailable", { outcome: "unavailable", status });
  }
  if (status !== 200) throw failed("upstream_rejected", { outcome: "rejected", status });
  return result;
}

function toCredentials(answer: GoodAnswer): MemberCredentials {
  const given = parse(Credentials, answer);
  const { member_id: memberId, profile } = parse(Besides, answer);
  const lookedUp = { memberId, profile: profile ?? undefined };
  if ("userkey" in given) return { ...toUserkey(given.userkey, given.expires), lookedUp };
  const { login, password } = given;
  return {
    fields: [
      { name: "login", response: login },
      { name: "password", response: password },
    ],
    expires: true, // A password may change at any time.
    lookedUp,
  };
}

function parse<Schema extends z.ZodType>(schema: Schema, { status, text }: GoodAnswer) {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const upstream = { outcome: "invalid_response", reason: "schema", status } as const;
  throw failed("upstream_bad_response", upstream);
}

function failed(code: FailureCode, upstream: Omit<UpstreamFailure, "operation">): AppError {
  return new AppError(code, "The partner's credential lookup did not give a usable answer.", {
    ...(code === "upstream_unavailable" && { retryAfterSeconds: 1 }),
    upstream: { operation: "partner.credential_lookup", ...upstream },
  });
}
