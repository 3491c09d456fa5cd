/** Asks the partner's endpoints about a made-up login. They must refuse it. */

import * as z from "zod";
import { toIntrospectionRequest } from "../../auth/introspection.ts";
import { findLogin, toSessionRequest } from "../../auth/session-check.ts";
import type { LoginConfig } from "../../config/process.ts";
import { parseJson } from "../../text.ts";
import { type Asker, NOBODY } from "./ask.ts";
import type { Judgement } from "./finding.ts";
import { judgeFailure } from "./no-answer.ts";

const Introspection = z.looseObject({ active: z.boolean() });

/** Source: RFC 7662, section 2.2 and 2.3. */
export async function checkIntrospection(
  asker: Asker,
  config: NonNullable<LoginConfig["introspection"]>,
): Promise<Judgement> {
  const { url } = config;
  const result = await asker.ask(url, toIntrospectionRequest(config, NOBODY));
  if (result.kind === "failure") return judgeFailure(result, url.host, "AUTH_CLIENT");
  const { status } = result;
  const body = status === 200 ? parseJson(result.text) : undefined;
  const isActive = Introspection.safeParse(body).data?.active;
  if (isActive === false) {
    return {
      verdict: "ok",
      message: `${url.host} accepts the service's credentials and verifies tokens.`,
    };
  }
  if (isActive) return acceptsAnything(url.host, "token", "AUTH_INTROSPECTION_URL");
  if (status === 400 || status === 401 || status === 403) {
    return {
      verdict: "key_refused",
      message: `${url.host} refuses the service's credentials (${status}).`,
      next: "Compare AUTH_INTROSPECTION_CLIENT_ID and AUTH_INTROSPECTION_CLIENT_SECRET with the client at your authorization server, and make sure that the client may introspect.",
    };
  }
  return judgeStatus(status, url.host, "AUTH_INTROSPECTION_URL");
}

export async function checkSessionCheck(
  asker: Asker,
  { url, cookie }: NonNullable<LoginConfig["sessionCheck"]>,
): Promise<Judgement> {
  const result = await asker.ask(url, toSessionRequest(url, `${cookie}=${NOBODY}`));
  if (result.kind === "failure") return judgeFailure(result, url.host, "AUTH_CLIENT");
  const { status } = result;
  const body = status === 200 ? parseJson(result.text) : undefined;
  const isNobody = status === 401 || status === 403 || (body !== undefined && !findLogin(body));
  if (isNobody) return { verdict: "ok", message: `${url.host} verifies sessions.` };
  if (body !== undefined) return acceptsAnything(url.host, "session", "AUTH_SESSION_CHECK_URL");
  return judgeStatus(status, url.host, "AUTH_SESSION_CHECK_URL");
}

function acceptsAnything(host: string, what: string, variable: string): Judgement {
  return {
    verdict: "accepts_anything",
    message: `${host} accepted a made-up ${what}.`,
    next: `Do not go live with this. ${variable} must lead to an endpoint that verifies the ${what} and refuses bad ones.`,
  };
}

function judgeStatus(status: number, host: string, variable: string): Judgement {
  if (status >= 500 || status === 429) {
    return {
      verdict: status === 429 ? "rate_limited" : "unavailable",
      message: `${host} cannot verify logins now (${status}).`,
      next: "Look at its log, and try again.",
    };
  }
  if (status === 404 || status === 405 || (status >= 300 && status < 400)) {
    return {
      verdict: "wrong_address",
      message: `${host} does not verify logins at this address (${status}).`,
      next: `Correct ${variable}. A redirect to a login page is not an answer.`,
    };
  }
  return {
    verdict: "unexpected_answer",
    message: `${host} gave an unusable answer (${status}).`,
    next: `Make sure that ${variable} is right.`,
  };
}
