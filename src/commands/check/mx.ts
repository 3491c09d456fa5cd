/**
 * One read-only question to each of MX's APIs: about a User that cannot exist, so that nothing is created and no personal data
 * comes back.
 *
 * From the SSO API v3 and MDX Real Time a 404 shows that key and address are right. It does not prove the client id, since MX answers
 * the same to a wrong one.
 * Sources: MX Platform API, Errors and Versioning; MX SSO API v2, Accessing the API and Errors; MX SSO API v3, Requirements; MX MDX
 * Real Time.
 */

import type { PlatformConfig, SsoV2Config, SsoV3Config } from "../../config/mx.ts";
import type { MxApi } from "../../mx/call.ts";
import { classifySsoV2 } from "../../mx/outcome.ts";
import { toPlatformApi } from "../../mx/platform.ts";
import { toSsoApi } from "../../mx/sso-v2.ts";
import { toClientApi } from "../../mx/sso-v3.ts";
import { isObject, parseJson } from "../../text.ts";
import type { ExchangeRequest, ExchangeResult } from "../../upstream/exchange.ts";
import { type Asker, NOBODY } from "./ask.ts";
import type { Judgement } from "./finding.ts";
import { judgeFailure } from "./no-answer.ts";

type Advice = {
  /** About a key that is refused. */
  key: string;
  /** The variable with the address. */
  url: string;
};

const KEYS_DIFFER = "Integration and production (MX_ENVIRONMENT) have different keys.";

const PLATFORM: Advice = {
  key: `Compare MX_PLATFORM_CLIENT_ID and MX_PLATFORM_API_KEY with MX's dashboard. ${KEYS_DIFFER}`,
  url: "MX_PLATFORM_BASE_URL",
};
const SSO_V2: Advice = {
  key: `Compare MX_SSO_API_KEY with what MX has given you. ${KEYS_DIFFER} If the key is right, ask MX whether your address is on the SSO API's own allow list.`,
  url: "MX_SSO_BASE_URL",
};
const SSO_V3: Advice = {
  key: `Compare MX_SSO_API_KEY with what MX has given you. ${KEYS_DIFFER}`,
  url: "MX_SSO_BASE_URL",
};
const MDX: Advice = {
  key: `Compare MX_MDX_API_KEY (MX_SSO_API_KEY, if it is not set) with what MX has given you. ${KEYS_DIFFER}`,
  url: "MX_MDX_BASE_URL",
};

const LIST_THE_ADDRESS =
  "Ask MX to allow-list the address that the calls come from: this machine's public address, or that of HTTPS_PROXY.";

export async function checkPlatformApi(asker: Asker, config: PlatformConfig): Promise<Judgement> {
  const { host } = config.baseUrl;
  const path = `/users?id=${NOBODY}&records_per_page=10`;
  const result = await ask(asker, toPlatformApi(config), { method: "GET", path });
  if (result.kind === "failure") return judgeFailure(result, host, "MX_CLIENT");
  const { status, text } = result;
  if (status === 200 && Array.isArray(parse(text).users)) {
    return { verdict: "ok", message: `${host} accepts the key and ${config.version}.` };
  }
  if (status === 406 || status === 415 || (status === 400 && /version/i.test(text))) {
    return {
      verdict: "wrong_version",
      message: `${host} does not offer ${config.version} to this client (${status}).`,
      next: "Set MX_PLATFORM_VERSION to the version that MX has enabled for you.",
    };
  }
  return judgeStatus(status, host, PLATFORM);
}

/** `platform` is the result for the Platform API, if both are configured. It explains why this one does not answer. */
export async function checkSsoApi(
  asker: Asker,
  config: SsoV2Config,
  platform: Promise<Judgement> | undefined,
): Promise<Judgement> {
  const { host } = config.baseUrl;
  const result = await ask(asker, toSsoApi(config), { method: "GET", path: `/user/${NOBODY}` });
  if (result.kind === "failure") {
    const isAboutCertificate = result.reason.startsWith("client_certificate_");
    const isSilence = ["timeout", "silent", "connection_lost", "stale"].includes(result.failure);
    return isSilence && !isAboutCertificate
      ? judgeSilence(host, (await platform)?.verdict)
      : judgeFailure(result, host, "MX_CLIENT");
  }
  const { status, text } = result;
  const body = parse(text);
  const outcome = classifySsoV2("sso.read_user", status, body);
  if (outcome === "not_found" || (status === 200 && "guid" in body))
    return acceptsKey(host, "MX_SSO_CLIENT_GUID");
  const isAboutClient = /client must be associated/i.test(String(body.error));
  if (outcome === "rejected" && status !== 401 && status !== 403 && isAboutClient) {
    return {
      verdict: "client_refused",
      message: `${host} does not know the client for this key.`,
      next: "Set MX_SSO_CLIENT_GUID to the client (CLT-…) that MX has given you for this key.",
    };
  }
  return judgeStatus(status, host, SSO_V2);
}

/** "Fail with no return" is all that MX says about a wrong key and about an address that is not listed. */
function judgeSilence(host: string, platform: Judgement["verdict"] | undefined): Judgement {
  if (platform === "ok")
    return refusesKey(host, "it does not answer, although the Platform API does", SSO_V2);
  if (platform === "address_not_listed") return notListed(host);
  return {
    verdict: "key_or_address_refused",
    message: `${host} accepts the connection but does not answer. It does the same for a wrong key and for an address that is not on its allow list.`,
    next: `Compare MX_SSO_API_KEY with what MX has given you for this environment. ${LIST_THE_ADDRESS}`,
  };
}

export function checkSsoV3(asker: Asker, config: SsoV3Config): Promise<Judgement> {
  const body = JSON.stringify({ url: { type: "connect_widget" } });
  const request = { method: "POST", path: `/users/${NOBODY}/urls.json`, body } as const;
  return askByClientId(asker, toClientApi("sso_v3", config), request, SSO_V3);
}

export function checkMdx(asker: Asker, { mdx, clientId }: SsoV3Config): Promise<Judgement> {
  const request = { method: "GET", path: `/users/${NOBODY}.json` } as const;
  return askByClientId(asker, toClientApi("mdx", { ...mdx, clientId }), request, MDX);
}

async function askByClientId(
  asker: Asker,
  api: MxApi,
  request: Question,
  advice: Advice,
): Promise<Judgement> {
  const { host } = api.baseUrl;
  const result = await ask(asker, api, request);
  if (result.kind === "failure") return judgeFailure(result, host, "MX_CLIENT");
  const { status } = result;
  if (status === 404 || status === 200) return acceptsKey(host, "MX_SSO_CLIENT_ID");
  return judgeStatus(status, host, advice);
}

type Question = Pick<ExchangeRequest, "method" | "path" | "body">;

function ask(
  asker: Asker,
  { baseUrl, headers, contentType = "", query = "" }: MxApi,
  { method, path, body }: Question,
): Promise<ExchangeResult> {
  return asker.ask(baseUrl, {
    method,
    path: `${baseUrl.pathname.replace(/\/$/, "")}${path}${query && `?${query}`}`,
    headers: { ...headers, ...(body !== undefined && { "content-type": contentType }) },
    body,
    hasSecretPath: query !== "",
  });
}

function parse(text: string): Readonly<Record<string, unknown>> {
  const body = parseJson(text);
  return isObject(body) ? body : {};
}

function acceptsKey(host: string, client: string): Judgement {
  const message = `${host} accepts the key. Only the first login will show whether ${client} is right.`;
  return { verdict: "ok", message };
}

function refusesKey(host: string, how: string, { key }: Advice): Judgement {
  return { verdict: "key_refused", message: `${host} refuses the key (${how}).`, next: key };
}

function notListed(host: string): Judgement {
  return {
    verdict: "address_not_listed",
    message: `${host} does not accept calls from this address.`,
    next: LIST_THE_ADDRESS,
  };
}

/** What a status means for each of the APIs. */
function judgeStatus(status: number, host: string, advice: Advice): Judgement {
  if (status === 401) return refusesKey(host, "401", advice);
  if (status === 403) return notListed(host);
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
      next: `Leave ${advice.url} out, or correct it. MX_ENVIRONMENT selects MX's own addresses.`,
    };
  }
  return {
    verdict: "unexpected_answer",
    message: `${host} gave an answer that is not from MX (${status}).`,
    next: `Make sure that ${advice.url} is MX's address, and that no portal or filter answers in between.`,
  };
}
