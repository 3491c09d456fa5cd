/**
 * One read-only question to each of MX's APIs: about a User that cannot exist, so that nothing is created and no personal data
 * comes back.
 *
 * From the SSO API v3 and MDX Real Time a 404 shows that key and address are right. It does not prove the client id, since MX answers
 * the same to a wrong one.
 * Sources: MX Platform API, Errors and Versioning; MX SSO API v2, Accessing the API and Errors; MX SSO API v3, Requirements; MX MDX
 * Real Time.
 */

import type { PlatformConfig, SsoV2Config, SsoV3Config } from "../../config/types.ts";
import type { MxApi } from "../../mx/call.ts";
import { toMdxApi } from "../../mx/mdx.ts";
import { classifySsoV2 } from "../../mx/outcome.ts";
import { toPlatformHeaders } from "../../mx/platform.ts";
import { toSsoQuery } from "../../mx/sso-v2.ts";
import { toSsoV3Api } from "../../mx/sso-v3.ts";
import { isObject, parseJson } from "../../text.ts";
import type { ExchangeRequest, ExchangeResult } from "../../upstream/exchange.ts";
import type { Asker } from "./ask.ts";
import type { Judgement } from "./finding.ts";
import { judgeFailure } from "./no-answer.ts";

/** A well-formed id that no partner gives to a user. */
const NOBODY = "mx-session-bff-check";

const LIST_THE_ADDRESS =
  "Ask MX to allow-list the address that the calls come from: this machine's public address, or that of HTTPS_PROXY.";

export async function checkPlatformApi(asker: Asker, config: PlatformConfig): Promise<Judgement> {
  const { baseUrl } = config;
  const path = `${toBasePath(baseUrl)}/users?id=${NOBODY}&records_per_page=10`;
  const result = await asker.ask(baseUrl, {
    method: "GET",
    path,
    headers: toPlatformHeaders(config),
  });
  if (result.kind === "failure") return judgeFailure(result, baseUrl.host, "MX_CLIENT");
  return judgePlatformAnswer(config, result);
}

function judgePlatformAnswer(config: PlatformConfig, answer: AnswerOf): Judgement {
  const { host } = config.baseUrl;
  const { status } = answer;
  if (status === 200 && Array.isArray(parse(answer).users)) {
    return { verdict: "ok", message: `${host} accepts the key and ${config.version}.` };
  }
  if (status === 401) {
    return {
      verdict: "key_refused",
      message: `${host} refuses the key (401).`,
      next: "Compare MX_PLATFORM_CLIENT_ID and MX_PLATFORM_API_KEY with MX's dashboard; integration and production (MX_ENVIRONMENT) have different keys.",
    };
  }
  if (status === 403) return notListed(host);
  const isAboutVersion = status === 400 && /version/i.test(answer.text);
  if (status === 406 || status === 415 || isAboutVersion) {
    return {
      verdict: "wrong_version",
      message: `${host} does not offer ${config.version} to this client (${status}).`,
      next: "Set MX_PLATFORM_VERSION to the version that MX has enabled for you.",
    };
  }
  return judgeOtherStatus(status, host, "MX_PLATFORM_BASE_URL");
}

/** `platform` is the result for the Platform API, if both are configured. It explains why this one does not answer. */
export async function checkSsoApi(
  asker: Asker,
  config: SsoV2Config,
  platform: Promise<Judgement> | undefined,
): Promise<Judgement> {
  const { baseUrl } = config;
  const path = `${toBasePath(baseUrl)}/user/${NOBODY}?${toSsoQuery(config)}`;
  const headers = { accept: "application/json" };
  const result = await asker.ask(baseUrl, { method: "GET", path, headers });
  if (result.kind === "answer") return judgeSsoAnswer(result, baseUrl.host);
  const isAboutCertificate = result.reason.startsWith("client_certificate_");
  const isSilence = ["timeout", "silent", "connection_lost", "stale"].includes(result.failure);
  return isSilence && !isAboutCertificate
    ? judgeSilence(baseUrl.host, (await platform)?.verdict)
    : judgeFailure(result, baseUrl.host, "MX_CLIENT");
}

function judgeSsoAnswer(answer: AnswerOf, host: string): Judgement {
  const { status } = answer;
  const body = parse(answer);
  const outcome = classifySsoV2("sso.read_user", status, body);
  if (outcome === "not_found" || (status === 200 && "guid" in body)) {
    return {
      verdict: "ok",
      message: `${host} accepts the key. Only the first login will show whether MX_SSO_CLIENT_GUID is right.`,
    };
  }
  if (status === 401) return ssoKeyRefused(host, "(401)");
  if (status === 403) return notListed(host);
  if (outcome === "rejected" && /client must be associated/i.test(String(body.error))) {
    return {
      verdict: "client_refused",
      message: `${host} does not know the client for this key.`,
      next: "Set MX_SSO_CLIENT_GUID to the client (CLT-…) that MX has given you for this key.",
    };
  }
  return judgeOtherStatus(status, host, "MX_SSO_BASE_URL");
}

/** "Fail with no return" is all that MX says about a wrong key and about an address that is not listed. */
function judgeSilence(host: string, platform: Judgement["verdict"] | undefined): Judgement {
  if (platform === "ok")
    return ssoKeyRefused(host, "(it does not answer, although the Platform API does)");
  if (platform === "address_not_listed") return notListed(host);
  return {
    verdict: "key_or_address_refused",
    message: `${host} accepts the connection but does not answer. It does the same for a wrong key and for an address that is not on its allow list.`,
    next: `Compare MX_SSO_API_KEY with what MX has given you for this environment. ${LIST_THE_ADDRESS}`,
  };
}

function ssoKeyRefused(host: string, how: string): Judgement {
  return {
    verdict: "key_refused",
    message: `${host} refuses the key ${how}.`,
    next: "Compare MX_SSO_API_KEY with what MX has given you; integration and production (MX_ENVIRONMENT) have different keys. If the key is right, ask MX whether your address is on the SSO API's own allow list.",
  };
}

function notListed(host: string): Judgement {
  return {
    verdict: "address_not_listed",
    message: `${host} does not accept calls from this address.`,
    next: LIST_THE_ADDRESS,
  };
}

function judgeOtherStatus(status: number, host: string, variable: string): Judgement {
  if (status === 429) {
    return {
      verdict: "rate_limited",
      message: `${host} received too many calls with this key (429).`,
      next: "Try again in a minute.",
    };
  }
  if (status >= 500) {
    return {
      verdict: "unavailable",
      message: `${host} has a problem of its own (${status}).`,
      next: "Look at MX's status page, and try again later.",
    };
  }
  if (status === 404 || (status >= 300 && status < 400)) {
    return {
      verdict: "wrong_address",
      message: `${host} has no such API at this address (${status}).`,
      next: `Leave ${variable} out, or correct it. MX_ENVIRONMENT selects MX's own addresses.`,
    };
  }
  return {
    verdict: "unexpected_answer",
    message: `${host} gave an answer that is not from MX (${status}).`,
    next: `Make sure that ${variable} is MX's address, and that no portal or filter answers in between.`,
  };
}

type AnswerOf = Extract<ExchangeResult, { kind: "answer" }>;

function parse({ text }: AnswerOf): Readonly<Record<string, unknown>> {
  const body = parseJson(text);
  return isObject(body) ? body : {};
}

function toBasePath(url: URL): string {
  return url.pathname.replace(/\/$/, "");
}

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
  const names = {
    key: "MX_MDX_API_KEY (MX_SSO_API_KEY, if it is not set)",
    url: "MX_MDX_BASE_URL",
  };
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
  if (result.kind === "failure") return judgeFailure(result, host, "MX_CLIENT");
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
