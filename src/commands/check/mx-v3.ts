/**
 * One question to the SSO API v3 and to MDX Real Time: about a user that cannot exist. Nothing is created.
 *
 * A 404 shows that key and address are right. It does not prove the client id, since MX answers the same to a wrong one.
 * Sources: MX SSO API v3, Requirements; MX MDX Real Time.
 */

import type { SsoV3Config } from "../../config/types.ts";
import type { MxApi } from "../../mx/call.ts";
import { toMdxApi } from "../../mx/mdx.ts";
import { toSsoV3Api } from "../../mx/sso-v3.ts";
import type { ExchangeRequest } from "../../upstream/exchange.ts";
import type { Asker } from "./ask.ts";
import type { Judgement } from "./finding.ts";
import { judgeOtherStatus, NOBODY, notListed } from "./mx.ts";
import { judgeFailure } from "./no-answer.ts";

type Names = { key: string; url: string };

export function checkSsoV3(asker: Asker, config: SsoV3Config): Promise<Judgement> {
  const request = {
    method: "POST" as const,
    path: `/users/${NOBODY}/urls.json`,
    body: JSON.stringify({ url: { type: "connect_widget" } }),
  };
  const names = { key: "MX_SSO_API_KEY", url: "MX_SSO_BASE_URL" };
  return ask(asker, toSsoV3Api(config), request, names);
}

export function checkMdx(asker: Asker, { mdx, clientId }: SsoV3Config): Promise<Judgement> {
  const request = { method: "GET" as const, path: `/users/${NOBODY}.json` };
  const names = { key: "MX_MDX_API_KEY, or MX_SSO_API_KEY without it,", url: "MX_MDX_BASE_URL" };
  return ask(asker, toMdxApi({ ...mdx, clientId }), request, names);
}

async function ask(
  asker: Asker,
  { baseUrl, headers, contentType = "" }: MxApi,
  request: Omit<ExchangeRequest, "headers">,
  names: Names,
): Promise<Judgement> {
  const result = await asker.ask(baseUrl, {
    ...request,
    path: baseUrl.pathname + request.path,
    headers: { ...headers, ...(request.body !== undefined && { "content-type": contentType }) },
  });
  const { host } = baseUrl;
  if (result.kind === "failure") return judgeFailure(result, host);
  const { status } = result;
  if (status === 404 || status === 200) {
    return {
      verdict: "ok",
      message: `${host} accepts the key. Only the first login will show whether MX_SSO_CLIENT_ID is right.`,
    };
  }
  if (status === 401) {
    return {
      verdict: "key_refused",
      message: `${host} refuses the key (401).`,
      next: `Compare ${names.key} with what MX has given you. Integration and production (MX_ENVIRONMENT) have different keys.`,
    };
  }
  return status === 403 ? notListed(host) : judgeOtherStatus(status, host, names.url);
}
