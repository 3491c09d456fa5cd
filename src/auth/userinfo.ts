/**
 * Asks the issuer's userinfo endpoint for a new user's profile, with the caller's own token.
 *
 * The token is sent only to the endpoint that the issuer's discovery document names: https or loopback, no
 * redirect. An answer about another `sub` is not used.
 * Sources: OpenID Connect Core 1.0, section 5.3 (5.3.2: `sub` must match); OpenID Connect Discovery 1.0, section 4.
 */

import * as z from "zod";
import { type AppError, authUnavailable, type UpstreamReason } from "../errors.ts";
import { MIN_CALL_MS } from "../session/budget.ts";
import type { Claims, Principal } from "../session/types.ts";
import { parseJson } from "../text.ts";
import { type Exchange, withRepeat } from "../upstream/exchange.ts";
import { withTimeout } from "../upstream/limits.ts";
import { mayLeadTo } from "../upstream/upstream-url.ts";
import { toDiscoveryUrl } from "./key-set.ts";

export type UserinfoOptions = {
  issuer: string;
  /** Those of ALLOW_HTTP_HOSTS. Default: none. */
  httpHosts?: readonly string[];
  /** Opens a pool of connections to an origin. */
  connect: (origin: string) => Exchange & AsyncDisposable;
  /** A clock in milliseconds that never goes back. */
  now?: () => number;
};

export type Userinfo = ReturnType<typeof createUserinfo>;

/** For a load of the discovery document, which other requests may share. */
const DISCOVERY_TIMEOUT_MS = 2000;
const REFRESH_MS = 10 * 60 * 1000;
const RETRY_MS = 5000;

const Discovery = z.object({ issuer: z.string(), userinfo_endpoint: z.string() });
const Answer = z.looseObject({ sub: z.string() });

export function createUserinfo(options: UserinfoOptions) {
  const { issuer, httpHosts = [], connect, now = () => performance.now() } = options;
  const connections = new AsyncDisposableStack();
  const exchanges = new Map<string, Exchange>();
  let endpoint: { value: Promise<URL>; until: number } | undefined;

  /** A signed or encrypted answer (`application/jwt`) cannot be read. With less than 250 ms left, nothing is sent. */
  async function get({ origin, pathname, search }: URL, timeoutMs: number, credential = {}) {
    if (timeoutMs < MIN_CALL_MS) throw failed("timeout");
    const exchange = exchanges.get(origin) ?? withRepeat(connections.use(connect(origin)), now);
    exchanges.set(origin, exchange);
    const headers = { ...credential, accept: "application/json" };
    const result = await exchange({ method: "GET", path: pathname + search, headers }, timeoutMs);
    if (result.kind === "failure") throw failed(result.reason);
    if (result.status !== 200) throw failed("status", result.status);
    return parseJson(result.text);
  }

  /** One load for all who wait. A failure is remembered for a moment too: first logins must not queue behind an issuer that is down. */
  function findEndpoint(): Promise<URL> {
    if (endpoint && now() < endpoint.until) return endpoint.value;
    const current = { value: discover(), until: now() + REFRESH_MS };
    endpoint = current;
    current.value.catch(() => {
      current.until = now() + RETRY_MS;
    });
    return current.value;
  }

  async function discover(): Promise<URL> {
    const url = toDiscoveryUrl(issuer);
    const document = Discovery.safeParse(await get(url, DISCOVERY_TIMEOUT_MS));
    if (!document.success) throw failed("no_userinfo_endpoint");
    if (document.data.issuer !== issuer) throw failed("wrong_issuer");
    const target = URL.parse(document.data.userinfo_endpoint);
    if (!target || !mayLeadTo(url, target, httpHosts)) throw failed("unsafe_userinfo_url");
    return target;
  }

  async function readClaims(
    { token, subject }: Principal,
    deadline: number,
  ): Promise<Claims | undefined> {
    if (!token) return undefined;
    const url = await findEndpoint();
    const credential = { authorization: `Bearer ${token.reveal()}` };
    const claims = Answer.safeParse(await get(url, deadline - now(), credential));
    if (!claims.success) throw failed("schema");
    if (claims.data.sub !== subject) throw failed("other_subject");
    return claims.data;
  }

  return {
    /**
     * The claims of the answer; `undefined` for a login without a token. Rejects where there is no usable answer within
     * `timeoutMs`.
     */
    read: (principal: Principal, timeoutMs: number) =>
      withTimeout(readClaims(principal, now() + timeoutMs), timeoutMs, () => failed("timeout")),
    [Symbol.asyncDispose]: () => connections.disposeAsync(),
  };
}

function failed(reason: UpstreamReason, status?: number): AppError {
  const outcome = status === undefined ? "invalid_response" : "rejected";
  return authUnavailable({ upstream: { operation: "partner.userinfo", outcome, reason, status } });
}
