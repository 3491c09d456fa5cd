/** The partner's own systems: whether the issuer has keys that can be used, and whether the lookup takes our token. */

import type { JSONWebKeySet, JWK } from "jose";
import { createLoader } from "../../auth/key-set.ts";
import type { AuthConfig, LookupConfig } from "../../config/types.ts";
import { AppError } from "../../errors.ts";
import { toLookupRequest } from "../../mx/credential-lookup.ts";
import type { ExchangeResult } from "../../upstream/exchange.ts";
import type { Asker } from "./ask.ts";
import type { Judgement } from "./finding.ts";
import { judgeFailure } from "./no-answer.ts";

/** A user that the partner cannot have. */
const NOBODY = "mx-session-bff-check";

export function toIssuerTarget({ issuer, keys }: AuthConfig): string {
  if (keys.kind === "file") return keys.path;
  return keys.kind === "url" ? keys.url.host : new URL(issuer).host;
}

export async function checkIssuer(asker: Asker, config: AuthConfig): Promise<Judgement> {
  const target = toIssuerTarget(config);
  let last: ExchangeResult | undefined;
  const load = createLoader(config, asker.proxy, (result, url) => {
    last = result;
    asker.noteDate(url, result);
  });
  try {
    return judgeKeys(await load(), config, target);
  } catch (error) {
    return judgeLoad(error, last, config, target);
  }
}

function judgeKeys({ keys }: JSONWebKeySet, config: AuthConfig, target: string): Judgement {
  const usable = keys.filter((key) => config.algorithms.some((name) => fits(key, name)));
  if (usable.length > 0) {
    return { verdict: "ok", message: `${target} has ${usable.length} key(s) that can be used.` };
  }
  return {
    verdict: "no_usable_key",
    message: `${target} has ${keys.length} key(s), none for the algorithms that are accepted.`,
    next: "Compare AUTH_ALGORITHMS with the `alg` of your tokens.",
  };
}

/** Source: RFC 7518, section 3.1; RFC 8037, section 3.1. */
function fits({ kty, crv, alg, use }: JWK, algorithm: string): boolean {
  if (use === "enc" || (alg !== undefined && alg !== algorithm)) return false;
  if (/^[RP]S/.test(algorithm)) return kty === "RSA";
  if (algorithm.startsWith("ES")) return kty === "EC" && crv === CURVES[algorithm];
  return kty === "OKP" && crv === "Ed25519";
}

const CURVES: Readonly<Record<string, string>> = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };

function judgeLoad(
  error: unknown,
  last: ExchangeResult | undefined,
  { keys }: AuthConfig,
  target: string,
): Judgement {
  const reason = error instanceof AppError ? error.reason : undefined;
  if (reason === "wrong_issuer") {
    return {
      verdict: "wrong_issuer",
      message: `${target} calls itself by another name than AUTH_ISSUER.`,
      next: "Write AUTH_ISSUER as the `iss` of your tokens, character by character; mind a slash at its end.",
    };
  }
  if (reason === "unsafe_keys_url") {
    return {
      verdict: "unexpected_answer",
      message: `${target} leads to keys over plain http.`,
      next: "Have the issuer name an https jwks_uri.",
    };
  }
  if (last?.kind === "failure") return judgeFailure(last, target);
  const what = keys.kind === "discovery" ? "discovery document" : "key set";
  if (last && last.status !== 200) {
    return {
      verdict: last.status >= 500 ? "unavailable" : "wrong_address",
      message: `${target} answers ${last.status} where its ${what} should be.`,
      next:
        keys.kind === "discovery"
          ? "Make sure that AUTH_ISSUER is right: its keys are found by <issuer>/.well-known/openid-configuration. Where the issuer has none, set AUTH_JWKS_URL."
          : "Make sure that AUTH_JWKS_URL is right.",
    };
  }
  return {
    verdict: "unexpected_answer",
    message: `${target} has no key set that can be read (RFC 7517).`,
    next: "Make sure that AUTH_ISSUER, AUTH_JWKS_URL or AUTH_JWKS_FILE is right.",
  };
}

export async function checkLookup(asker: Asker, config: LookupConfig): Promise<Judgement> {
  const { url } = config;
  const question = { user_id: NOBODY, issuer: NOBODY, subject: NOBODY };
  const result = await asker.ask(url, toLookupRequest(config, question));
  if (result.kind === "failure") return judgeFailure(result, url.host);
  const { status } = result;
  if (status === 404) {
    return {
      verdict: "ok",
      message: `${url.host} knows no such user (404), as it should; a wrong path would look the same.`,
    };
  }
  if (status === 200) return { verdict: "ok", message: `${url.host} takes the token.` };
  if (status === 401 || status === 403) {
    return {
      verdict: "key_refused",
      message: `${url.host} refuses the token (${status}).`,
      next: "Compare MEMBER_LOOKUP_TOKEN with what your endpoint expects as a bearer token.",
    };
  }
  if (status >= 500) {
    return {
      verdict: "unavailable",
      message: `${url.host} has trouble of its own (${status}).`,
      next: "Look into the log of your endpoint; for a user that it does not know the answer is 404.",
    };
  }
  return {
    verdict: "unexpected_answer",
    message: `${url.host} answers ${status}, which is none of its answers.`,
    next: "Make sure that MEMBER_LOOKUP_URL is right, and takes POST with JSON.",
  };
}
