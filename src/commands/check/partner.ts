/** The partner's own systems: whether the issuer has keys that can be used, and whether the lookup takes our token. */

import type { JSONWebKeySet, JWK } from "jose";
import { createLoader, type LoadOptions, toDiscoveryUrl } from "../../auth/key-set.ts";
import type { LookupConfig } from "../../config/mx.ts";
import type { AuthConfig } from "../../config/tenant.ts";
import { AppError, type Reason } from "../../errors.ts";
import { toLookupRequest } from "../../mx/credential-lookup.ts";
import type { ExchangeResult } from "../../upstream/exchange.ts";
import { type Asker, NOBODY } from "./ask.ts";
import { type Judgement, type Place, toTarget } from "./finding.ts";
import { judgeFailure } from "./no-answer.ts";

/** Where keys come from. */
type KeyPlace = { issuer: string; place: Place };

/** Each name of the issuer by discovery, or the one place that the configuration names. */
export function toKeyPlaces({ keys, issuers }: AuthConfig): KeyPlace[] {
  if (keys.kind === "discovery")
    return issuers.map((issuer) => ({ issuer, place: new URL(issuer) }));
  return [{ issuer: issuers[0], place: keys.kind === "url" ? keys.url : keys.path }];
}

export async function checkIssuer(
  asker: Asker,
  auth: AuthConfig,
  { issuer, place }: KeyPlace,
): Promise<Judgement> {
  const target = toTarget(place);
  let last: Watched | undefined;
  const watch: LoadOptions["watch"] = (result, url) => {
    const isDiscovery = auth.keys.kind === "discovery" && url.href === toDiscoveryUrl(issuer).href;
    last = { result, url, isDiscovery };
    asker.noteDate(url, result);
  };
  const load = createLoader(issuer, auth.keys, { ...asker, watch });
  try {
    return judgeKeys(await load(), auth, target);
  } catch (error) {
    return judgeLoad(error, last, target);
  }
}

type Watched = { result: ExchangeResult; url: URL; isDiscovery: boolean };

function judgeKeys({ keys }: JSONWebKeySet, config: AuthConfig, target: string): Judgement {
  const usable = keys.filter((key) => config.algorithms.some((name) => fits(key, name)));
  if (usable.length > 0) {
    return { verdict: "ok", message: `${target} has ${usable.length} usable key(s).` };
  }
  return {
    verdict: "no_usable_key",
    message: `${target} has ${keys.length} key(s), but none for the accepted algorithms.`,
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

/** Messages follow the name of the host. */
const PROBLEMS: Partial<Record<Reason, Judgement>> = {
  wrong_issuer: {
    verdict: "wrong_issuer",
    message: "has a different issuer in its discovery document than AUTH_ISSUER.",
    next: "Set AUTH_ISSUER to exactly the `iss` of your tokens. Check for a slash at the end, and for another name of the same host.",
  },
  unsafe_keys_url: {
    verdict: "unexpected_answer",
    message: "names an unsafe address for its keys: plain http, link-local, or with credentials.",
    next: "Make the issuer name an https jwks_uri. Inside a cluster, you can list its host in ALLOW_HTTP_HOSTS.",
  },
  no_usable_key: {
    verdict: "no_usable_key",
    message: "has a key set without a public key for signatures.",
    next: "Publish the public keys that verify your tokens (RFC 7517).",
  },
};

function judgeLoad(error: unknown, last: Watched | undefined, target: string): Judgement {
  const problem = error instanceof AppError && error.reason && PROBLEMS[error.reason];
  if (problem) return { ...problem, message: `${target} ${problem.message}` };
  if (last?.result.kind === "failure")
    return judgeFailure(last.result, last.url.host, "AUTH_CLIENT");
  if (last && last.result.status !== 200) return judgeStatus(last.result, last);
  return {
    verdict: "unexpected_answer",
    message: `${target} has no key set with a usable key (RFC 7517).`,
    next: "Make sure that AUTH_ISSUER, AUTH_JWKS_URL or AUTH_JWKS_FILE is right.",
  };
}

function judgeStatus(
  { status, location }: Extract<ExchangeResult, { kind: "answer" }>,
  { url, isDiscovery }: Pick<Watched, "url" | "isDiscovery">,
): Judgement {
  const { name, moved, missing } = isDiscovery ? DISCOVERY : KEY_SET;
  if (status >= 300 && status < 400) {
    const place = toPlace(location, url);
    return {
      verdict: "wrong_address",
      message: `${url.host} answers with a redirect (${status}) to ${place} instead of its ${name}. The service does not follow redirects.`,
      next: moved,
    };
  }
  return {
    verdict: status >= 500 ? "unavailable" : "wrong_address",
    message: `${url.host} answers ${status} instead of its ${name}.`,
    next: missing,
  };
}

const DISCOVERY = {
  name: "discovery document",
  moved: "Set AUTH_ISSUER to exactly the `iss` of your tokens, or set AUTH_JWKS_URL.",
  missing:
    "Make sure that AUTH_ISSUER is right. The keys are discovered from <issuer>/.well-known/openid-configuration. If the issuer has no such document, set AUTH_JWKS_URL.",
};

const KEY_SET = {
  name: "key set",
  moved: "If that address belongs to your issuer, set AUTH_JWKS_URL to it.",
  missing: "Make sure that AUTH_JWKS_URL is right, or the issuer's `jwks_uri` if it is not set.",
};

/** Without credentials and query, which do not belong in a terminal. */
function toPlace(location: string | undefined, from: URL): string {
  if (location === undefined || !URL.canParse(location, from.href)) return "an unknown place";
  const { protocol, host, pathname } = new URL(location, from);
  return `${protocol}//${host}${pathname.slice(0, 200)}`;
}

/** Source of the advice: MX SSO API v2, Guide, "Member create". */
export async function checkLookup(
  asker: Asker,
  config: LookupConfig,
  { givesCredentials }: { givesCredentials: boolean },
): Promise<Judgement> {
  const advice = givesCredentials ? " MX prefers a userkey to login and password." : "";
  const { url } = config;
  const question = { user_id: NOBODY, issuer: NOBODY, subject: NOBODY };
  const result = await asker.ask(url, toLookupRequest(config, question));
  if (result.kind === "failure") return judgeFailure(result, url.host, "MEMBER_LOOKUP_CLIENT");
  const { status } = result;
  if (status === 404) {
    return {
      verdict: "ok",
      message: `${url.host} does not know the made-up user (404), as expected. A wrong path would look the same.${advice}`,
    };
  }
  if (status === 200) return { verdict: "ok", message: `${url.host} accepts the token.${advice}` };
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
      message: `${url.host} has a problem of its own (${status}).`,
      next: "Look at the log of your endpoint. For an unknown user, it must answer 404.",
    };
  }
  return {
    verdict: "unexpected_answer",
    message: `${url.host} gave an unexpected answer (${status}).`,
    next: "Make sure that MEMBER_LOOKUP_URL is right, and that it accepts POST with JSON.",
  };
}
