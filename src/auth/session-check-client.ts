/**
 * Asks the partner whose session a cookie is.
 *
 * `GET` with that one cookie and nothing else of the request, answered by 200 and JSON claims, or by 401 or 403 for
 * nobody: what nginx's `auth_request` and Ory Oathkeeper's cookie authenticator ask.
 */

import * as z from "zod";
import type { Claims } from "../session/types.ts";
import type { ExchangeRequest } from "../upstream/exchange.ts";
import type { LoginCall } from "./login-client.ts";

export type SessionCheckOptions = {
  call: LoginCall;
  url: URL;
  /** Name of the cookie. */
  cookie: string;
};

/** The claims of who is logged in; `undefined` for nobody. Throws `auth_unavailable` for every other answer. */
export type CheckSession = (cookieValue: string, timeoutMs: number) => Promise<Claims | undefined>;

/** Whom the partner says yes to. It has to say so. */
const Claimed = z.looseObject({ sub: z.string().min(1) });

export function createSessionCheck(options: SessionCheckOptions): CheckSession {
  return async function checkSession(cookieValue, timeoutMs) {
    const answer = await options.call(toSessionRequest(options, cookieValue), timeoutMs);
    if (answer.status === 401 || answer.status === 403) return undefined;
    const { data: claims } = Claimed.safeParse(answer.body);
    if (answer.status !== 200 || !claims) throw answer.failed();
    return claims;
  };
}

export function toSessionRequest(
  { url, cookie }: Pick<SessionCheckOptions, "url" | "cookie">,
  cookieValue: string,
): ExchangeRequest {
  return {
    method: "GET",
    path: url.pathname + url.search,
    headers: { cookie: `${cookie}=${cookieValue}`, accept: "application/json" },
  };
}
