/**
 * MX SSO API v2: the Users and Members that a login keeps current. One function per endpoint; bodies are flat.
 *
 * Of MX's answers only the guid and the widget URLs are taken: they also hold a login token and personal data.
 * Source: MX SSO API v2, Reference and Guide. That Members live at `/member/{id}` is assumed, as `POST /member` suggests.
 */

import * as z from "zod";
import type { Budget, CallKind } from "../session/budget.ts";
import type {
  Identity,
  MemberCreation,
  MemberCredentials,
  OwnedMember,
  SsoDirectory,
  SsoUser,
  WidgetUrl,
} from "../session/types.ts";
import { SSO_WIDGET_TYPES } from "../session/widget-options.ts";
import type { MxCall, Send } from "./client.ts";
import { createOrFind } from "./create-or-find.ts";
import { type Answer, type Operation, toAppError } from "./outcome.ts";
import { read, refuseOtherUser, toWidgetUrl, type UrlRule, UserGuid } from "./response-guards.ts";

export type SsoDirectoryOptions = { urlRule: UrlRule };

/** How long a create that was cut off may still take at MX. */
const SETTLE_MS = 200;

const User = z.looseObject({
  guid: UserGuid,
  external_user_guid: z.string().nullish(),
  external_guid: z.string().nullish(),
});

/** The shape of Member answers is not documented: the status decides, and an owner that is named must be ours. */
const Member = z.looseObject({
  user_guid: z.string().nullish(),
  external_user_guid: z.string().nullish(),
  external_member_guid: z.string().nullish(),
});

type MemberKey = Pick<OwnedMember, "memberId"> & Partial<OwnedMember>;

export function createSsoDirectory(send: Send, options: SsoDirectoryOptions): SsoDirectory {
  const { urlRule } = options;

  const findUser = async (userId: string, budget: Budget, newConnection = false) => {
    const answer = await send({ ...get("sso.read_user", "user", userId), newConnection }, budget);
    return answer.outcome === "not_found" ? undefined : toUser(answer, userId, urlRule);
  };

  const createUser: SsoDirectory["createUser"] = async (identity, budget) => {
    const { userId } = identity;
    const call = {
      ...post("sso.create_user", "create_user", "/user", toUserFields(identity)),
      serializeBy: userId,
    };
    const user = await createOrFind(
      {
        kind: "create_user",
        create: ({ newConnection }) => send({ ...call, newConnection }, budget),
        toCreated: (answer) => toUser(answer, userId, urlRule),
        find: ({ newConnection }) => findUser(userId, budget, newConnection),
        settleMs: SETTLE_MS,
        onCreated: () => budget.audit("user_created"),
      },
      budget,
    );
    return { ...user, isNew: true };
  };

  /** As much of the owner as is known is compared. */
  const findMember = async (own: MemberKey, budget: Budget, newConnection = false) => {
    const answer = await send(
      { ...get("sso.read_member", "member", own.memberId), newConnection },
      budget,
    );
    return answer.outcome === "not_found" ? undefined : toMember(answer, own);
  };

  const createMember: SsoDirectory["createMember"] = async (owned, credentials, budget) => {
    const { userId, memberId } = owned;
    const body = {
      external_user_guid: userId,
      external_member_guid: memberId,
      credentials: toFields(credentials),
    };
    const call = {
      ...post("sso.create_member", "create_member", "/member", body),
      serializeBy: memberId,
    };
    return createOrFind<MemberCreation>(
      {
        kind: "create_member",
        create: ({ newConnection }) => send({ ...call, newConnection }, budget),
        toCreated(answer) {
          if (answer.outcome === "not_found") return "no_user";
          toMember(answer, owned);
          return "created";
        },
        find: async ({ newConnection }) =>
          (await findMember(owned, budget, newConnection)) ? "exists" : undefined,
        settleMs: SETTLE_MS,
        onCreated: () => budget.audit("member_created"),
      },
      budget,
    );
  };

  const updateMember: SsoDirectory["updateMember"] = async (owned, credentials, budget) => {
    const { memberId } = owned;
    const answer = await send(
      {
        operation: "sso.update_member",
        kind: "update_member",
        method: "PUT",
        path: `/member/${encodeURIComponent(memberId)}`,
        body: { credentials: toFields(credentials) },
        serializeBy: memberId,
      },
      budget,
    );
    if (answer.outcome === "not_found") return "no_member";
    toMember(answer, owned);
    budget.audit("member_updated");
    return "updated";
  };

  return {
    findUser: (userId, budget) => findUser(userId, budget),
    createUser,
    findMember: (memberId, budget) => findMember({ memberId }, budget),
    createMember,
    updateMember,
  };
}

function get(operation: Operation, collection: "user" | "member", id: string): MxCall {
  return {
    operation,
    kind: "read",
    method: "GET",
    path: `/${collection}/${encodeURIComponent(id)}`,
  };
}

function post(operation: Operation, kind: CallKind, path: string, body: unknown): MxCall {
  return { operation, kind, method: "POST", path, body };
}

function toUser(answer: Answer, userId: string, urlRule: UrlRule): SsoUser {
  const user = read(User, answer);
  refuseOtherUser(answer, user.external_user_guid, userId);
  refuseOtherUser(answer, user.external_guid, userId);
  const widgetUrls = new Map<string, WidgetUrl>();
  for (const type of SSO_WIDGET_TYPES) {
    const url = toWidgetUrl(urlRule, type, user[`${type}_url`], answer.sentAt);
    if (url) widgetUrls.set(type, url);
  }
  return { guid: user.guid, isNew: false, widgetUrls };
}

/** Everything of the owner that is known must fit; what the answer leaves out cannot be checked. */
function toMember(answer: Answer, own: MemberKey): { userGuid: string | undefined } {
  if (answer.outcome !== "ok") throw toAppError(answer);
  const { data: member } = Member.safeParse(answer.body);
  refuseOtherUser(answer, member?.external_member_guid, own.memberId);
  refuseOtherUser(answer, member?.external_user_guid, own.userId);
  refuseOtherUser(answer, member?.user_guid, own.userGuid);
  return { userGuid: member?.user_guid ?? undefined };
}

function toUserFields({ userId, profile: { metadata: _, ...fields } }: Identity) {
  return { external_user_guid: userId, ...fields };
}

/** The names `login` and `password` are assumed; MX's sample only shows `userkey`. */
function toFields(credentials: MemberCredentials) {
  return credentials.fields.map(({ name, response }) => ({ field_name: name, response }));
}
