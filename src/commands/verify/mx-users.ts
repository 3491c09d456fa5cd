/**
 * What the service never does to MX's users, and its tools must: disable, enable and delete them.
 *
 * Sources: MX SSO API v2, Update user; MX Platform API, Update user and Delete user; MX MDX Real Time, users. That the SSO API deletes with
 * `DELETE /user/{id}` is assumption A6 (docs/assumptions.md).
 */

import type { MxConfig } from "../../config/tenant.ts";
import type { MxApi, Operation } from "../../mx/call.ts";
import { createSend } from "../../mx/client.ts";
import { toPlatformApi } from "../../mx/platform.ts";
import { toSsoApi } from "../../mx/sso-v2.ts";
import { toClientApi } from "../../mx/sso-v3.ts";
import { createBudget } from "../../session/budget.ts";
import type { Exchange } from "../../upstream/exchange.ts";

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

type Connect = (url: URL) => Exchange;

export function createMxUsers(
  { sso, platform }: Pick<MxConfig, "sso" | "platform">,
  connect: Connect,
): MxUsers {
  return {
    sso: sso?.version === "v2" ? bindSso(toSsoApi(sso), connect) : undefined,
    platform: platform && bindPlatform(toPlatformApi(platform), connect),
    mdx:
      sso?.version === "v3"
        ? bindMdx(toClientApi("mdx", { ...sso.mdx, clientId: sso.clientId }), connect)
        : undefined,
  };
}

function bindSso(api: MxApi, connect: Connect): WithMembers {
  const change = createChange(api, connect);
  const path = (id: string) => `/user/${encodeURIComponent(id)}`;
  const toBody = (isDisabled: boolean) => ({ status: isDisabled ? "DISABLED" : "ENABLED" });
  return {
    delete: (id) => change("sso.read_user", "DELETE", path(id)),
    setDisabled: (id, isDisabled) => change("sso.read_user", "PUT", path(id), toBody(isDisabled)),
    deleteMember: ({ memberId }) =>
      change("sso.read_member", "DELETE", `/member/${encodeURIComponent(memberId)}`),
  };
}

const toBody = (isDisabled: boolean) => ({ user: { is_disabled: isDisabled } });

function bindPlatform(api: MxApi, connect: Connect): OneApi {
  const change = createChange(api, connect);
  const path = (id: string) => `/users/${encodeURIComponent(id)}`;
  return {
    delete: (id) => change("platform.read_user", "DELETE", path(id)),
    setDisabled: (id, isDisabled) =>
      change("platform.read_user", "PUT", path(id), toBody(isDisabled)),
  };
}

function bindMdx(api: MxApi, connect: Connect): WithMembers {
  const change = createChange(api, connect);
  const path = (id: string) => `/users/${encodeURIComponent(id)}`;
  return {
    delete: (id) => change("mdx.read_user", "DELETE", `${path(id)}.xml`), // As MX's client does.
    setDisabled: (id, isDisabled) =>
      change("mdx.read_user", "PUT", `${path(id)}.json`, toBody(isDisabled)),
    deleteMember: ({ memberId, userId }) => {
      const member = `${path(userId)}/members/${encodeURIComponent(memberId)}.json`;
      return change("mdx.read_member", "DELETE", member);
    },
  };
}

/** `like`: the operation whose answers mean the same. What a good answer holds is of no interest. */
function createChange(api: MxApi, connect: Connect) {
  const send = createSend(api, connect(api.baseUrl));
  return async function change(
    like: Operation,
    method: "DELETE" | "PUT",
    path: string,
    body?: unknown,
  ): Promise<Change> {
    const call = { operation: like, userId: "", kind: "read", method, path, body } as const;
    const answer = await send(call, createBudget({ deadlineMs: TIMEOUT_MS }));
    if (answer.outcome === "ok") return "done";
    const { outcome, status, reason } = answer;
    if (outcome === "not_found") return outcome;
    if (status === undefined) return { problem: `did not answer (${reason})` };
    return status >= 200 && status < 300 ? "done" : { problem: `answered ${status}` };
  };
}

/** What went wrong, or that there is no such user. */
export function toProblem(change: Change | undefined): string | undefined {
  if (change === "not_found") return "does not know the user";
  return typeof change === "object" ? change.problem : undefined;
}
