/**
 * What the service never does to MX's users, and its tools must: disable, enable and delete them.
 *
 * Sources: MX SSO API v2, Update user; MX Platform API, Update user and Delete user; MX MDX Real Time, users. That the SSO API deletes with
 * `DELETE /user/{id}` is assumption A6 (docs/assumptions.md).
 */

import type { MxConfig, PlatformConfig, SsoV2Config, SsoV3Config } from "../../config/types.ts";
import type { MxApi, Operation } from "../../mx/call.ts";
import { toMdxApi } from "../../mx/mdx.ts";
import { toPlatformApi } from "../../mx/platform.ts";
import { toSsoApi } from "../../mx/sso-v2.ts";
import { parseJson } from "../../text.ts";
import type { Exchange, ExchangeRequest } from "../../upstream/exchange.ts";

/** `problem`: what went wrong, as the end of "MX …". A new user may be `not_found` for a moment. */
export type Change = "done" | "not_found" | { problem: string };

export type MxUsers = {
  sso: WithMembers | undefined;
  platform: OneApi | undefined;
  /** Takes the partner's ids alone. */
  mdx: WithMembers | undefined;
};

/** Where Members are deleted is a guess, and only a second way: they go with their User. */
type WithMembers = OneApi & {
  deleteMember(member: { memberId: string; userId: string }): Promise<Change>;
};

export type OneApi = {
  /** `id`: the partner's, or MX's guid where the API wants that. */
  delete(id: string): Promise<Change>;
  setDisabled(id: string, isDisabled: boolean): Promise<Change>;
};

const TIMEOUT_MS = 10_000;

export function createMxUsers(
  { sso, platform }: Pick<MxConfig, "sso" | "platform">,
  connect: (url: URL) => Exchange,
): MxUsers {
  return {
    sso: sso?.version === "v2" ? bindSso(sso, connect) : undefined,
    platform: platform && bindPlatform(platform, connect),
    mdx: sso?.version === "v3" ? bindMdx(sso, connect) : undefined,
  };
}

function bindSso(config: SsoV2Config, connect: (url: URL) => Exchange): WithMembers {
  const api = toSsoApi(config);
  const exchange = connect(config.baseUrl);
  const like = "sso.read_user";
  const path = (id: string) => `/user/${encodeURIComponent(id)}`;
  const at = (status: "ENABLED" | "DISABLED") => ({ status });
  return {
    delete: (id) => call(exchange, api, { method: "DELETE", path: path(id), like }),
    setDisabled: (id, isDisabled) =>
      call(exchange, api, {
        method: "PUT",
        path: path(id),
        like,
        body: at(isDisabled ? "DISABLED" : "ENABLED"),
      }),
    deleteMember: ({ memberId }) =>
      call(exchange, api, {
        method: "DELETE",
        path: `/member/${encodeURIComponent(memberId)}`,
        like: "sso.read_member",
      }),
  };
}

function bindPlatform(config: PlatformConfig, connect: (url: URL) => Exchange): OneApi {
  const api = toPlatformApi(config);
  const exchange = connect(config.baseUrl);
  const like = "platform.read_user";
  const path = (id: string) => `/users/${encodeURIComponent(id)}`;
  return {
    delete: (id) => call(exchange, api, { method: "DELETE", path: path(id), like }),
    setDisabled: (id, isDisabled) =>
      call(exchange, api, {
        method: "PUT",
        path: path(id),
        like,
        body: { user: { is_disabled: isDisabled } },
      }),
  };
}

function bindMdx({ mdx, clientId }: SsoV3Config, connect: (url: URL) => Exchange): WithMembers {
  const api = toMdxApi({ ...mdx, clientId });
  const exchange = connect(mdx.baseUrl);
  const like = "mdx.read_user";
  const path = (id: string) => `/users/${encodeURIComponent(id)}`;
  return {
    delete: (id) => call(exchange, api, { method: "DELETE", path: `${path(id)}.xml`, like }), // As MX's client does.
    setDisabled: (id, isDisabled) =>
      call(exchange, api, {
        method: "PUT",
        path: `${path(id)}.json`,
        like,
        body: { user: { is_disabled: isDisabled } },
      }),
    deleteMember: ({ memberId, userId }) =>
      call(exchange, api, {
        method: "DELETE",
        path: `${path(userId)}/members/${encodeURIComponent(memberId)}.json`,
        like: "mdx.read_member",
      }),
  };
}

type ChangeCall = {
  method: "DELETE" | "PUT";
  path: string;
  body?: unknown;
  /** Whose answers mean the same. */
  like: Operation;
};

async function call(
  exchange: Exchange,
  { baseUrl, headers, contentType = "application/json", query, classify }: MxApi,
  { method, path, body, like }: ChangeCall,
): Promise<Change> {
  const request: ExchangeRequest = {
    method,
    path: `${baseUrl.pathname.replace(/\/$/, "")}${path}${query && `?${query}`}`,
    headers: body === undefined ? headers : { ...headers, "content-type": contentType },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
  const result = await exchange(request, TIMEOUT_MS);
  if (result.kind === "failure") return { problem: `did not answer (${result.reason})` };
  const outcome = classify(like, result.status, parseJson(result.text));
  if (outcome === "ok") return "done";
  return outcome === "not_found" ? outcome : { problem: `answered ${result.status}` };
}

/** What went wrong, or that there is no such user. */
export function toProblem(change: Change | undefined): string | undefined {
  if (change === "not_found") return "does not know the user";
  return typeof change === "object" ? change.problem : undefined;
}
