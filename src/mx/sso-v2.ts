/**
 * MX SSO API v2: the Users and Members that a login keeps current. One function per endpoint; bodies are flat.
 *
 * Of MX's answers only the guid and the widget URLs are taken: they also hold a login token and personal data.
 * Source: MX SSO API v2, Reference and Guide. That Members live at `/member/{id}`, as `POST /member` suggests, is
 * assumption A4 for reads and assumption A10 for updates (docs/assumptions.md).
 */

import * as z from "zod";
import type { Secret } from "../secret.ts";
import type { Budget } from "../session/budget.ts";
import type {
  Member,
  MemberCreation,
  MemberCredentials,
  NewUser,
  OwnedMember,
  SsoDirectory,
  SsoUser,
  WidgetUrl,
} from "../session/types.ts";
import { SSO_WIDGET_TYPES } from "../session/widget-options.ts";
import type { Answer, MxApi, MxCall, Send } from "./call.ts";
import { readOne } from "./client.ts";
import { createCreateOnce } from "./create-or-find.ts";
import { classifySsoV2, read, refuseOtherUser, requireGood, UserGuid } from "./outcome.ts";
import { toWidgetUrl, type UrlRule } from "./widget-url.ts";

/** How long a create that was cut off may still take at MX. */
const SETTLE_MS = 200;

const User = z.looseObject({
  guid: UserGuid,
  external_user_guid: z.string().nullish(),
  external_guid: z.string().nullish(),
  status: z.looseObject({ name: z.string().nullish() }).nullish().catch(undefined),
});

/** The shape of Member answers is not documented: the status decides, and an owner that is named must be ours. */
const MemberBody = z.looseObject({
  guid: z.string().nullish(),
  user_guid: z.string().nullish(),
  external_user_guid: z.string().nullish(),
  external_member_guid: z.string().nullish(),
});

const MX_GUID = /^MBR-/i;

type MemberKey = Pick<OwnedMember, "memberId"> & Partial<OwnedMember>;

export function toSsoApi(config: { baseUrl: URL; apiKey: Secret; clientGuid: string }): MxApi {
  return {
    name: "sso",
    baseUrl: config.baseUrl,
    headers: { accept: "application/json" },
    query: toSsoQuery(config),
    classify: classifySsoV2,
  };
}

/** The key must be in the query, and arrive byte for byte. Source: MX SSO API v2, Accessing the API. */
export function toSsoQuery({ apiKey, clientGuid }: { apiKey: Secret; clientGuid: string }): string {
  return `k=${encodeURIComponent(apiKey.reveal())}&c=${encodeURIComponent(clientGuid)}`;
}

export function createSsoDirectory(send: Send, { urlRule }: { urlRule: UrlRule }): SsoDirectory {
  return {
    findUser: (userId, { budget }) => readUser(send, userId, urlRule, REUSED, budget),
    createUser: bindCreateUser(send, urlRule),
    findMember: ({ userId, memberId }, { budget }) =>
      readMember(send, userId, { memberId }, REUSED, budget),
    createMember: bindCreateMember(send),
    updateMember: bindUpdateMember(send),
  };
}

type Connection = { newConnection: boolean };
const REUSED: Connection = { newConnection: false };

async function readUser(
  send: Send,
  userId: string,
  urlRule: UrlRule,
  { newConnection }: Connection,
  budget: Budget,
): Promise<SsoUser | undefined> {
  const path = `/user/${encodeURIComponent(userId)}`;
  const answer = await readOne(send, "sso.read_user", { userId, path, newConnection }, budget);
  return answer && toUser(answer, userId, urlRule);
}

function bindCreateUser(send: Send, urlRule: UrlRule): SsoDirectory["createUser"] {
  const createOnce = createCreateOnce();
  return async function createUser(user, { budget, audit }) {
    const { userId } = user;
    const call: MxCall = {
      operation: "sso.create_user",
      userId,
      kind: "create_user",
      method: "POST",
      path: "/user",
      body: toUserFields(user),
      serializeBy: userId,
    };
    const existing = await createOnce(
      userId,
      {
        kind: call.kind,
        create: ({ newConnection }) => send({ ...call, newConnection }, budget),
        toCreated: (answer) => toUser(answer, userId, urlRule),
        find: (connection) => readUser(send, userId, urlRule, connection, budget),
        settleMs: SETTLE_MS,
        onCreated: () => audit("user_created"),
      },
      budget,
    );
    return { ...existing, isNew: true };
  };
}

/** Compares as much of the owner as is known. */
async function readMember(
  send: Send,
  userId: string,
  own: MemberKey,
  { newConnection }: Connection,
  budget: Budget,
): Promise<Member | undefined> {
  const read = { userId, path: toMemberPath(own), newConnection };
  const answer = await readOne(send, "sso.read_member", read, budget);
  return answer && toMember(answer, own);
}

function bindCreateMember(send: Send): SsoDirectory["createMember"] {
  const createOnce = createCreateOnce();
  return async function createMember(owned, credentials, { budget, audit }) {
    const { userId, memberId } = owned;
    const call: MxCall = {
      operation: "sso.create_member",
      userId,
      kind: "create_member",
      method: "POST",
      path: "/member",
      body: {
        external_user_guid: userId,
        external_member_guid: memberId,
        credentials: toFields(credentials),
      },
      serializeBy: memberId,
    };
    return createOnce<MemberCreation>(
      memberId,
      {
        isThere: (creation) => creation !== "no_user",
        kind: call.kind,
        create: ({ newConnection }) => send({ ...call, newConnection }, budget),
        toCreated(answer) {
          if (answer.outcome === "not_found") return "no_user";
          toMember(answer, owned);
          return "created";
        },
        find: (connection) => readMember(send, userId, owned, connection, budget),
        settleMs: SETTLE_MS,
        onCreated: () => audit("member_created"),
      },
      budget,
    );
  };
}

function bindUpdateMember(send: Send): SsoDirectory["updateMember"] {
  return async function updateMember(owned, credentials, { budget, audit }) {
    const answer = await send(
      {
        operation: "sso.update_member",
        userId: owned.userId,
        kind: "update_member",
        method: "PUT",
        path: toMemberPath(owned),
        body: { credentials: toFields(credentials) },
        serializeBy: owned.memberId,
      },
      budget,
    );
    if (answer.outcome === "not_found") return "no_member";
    toMember(answer, owned);
    audit("member_updated");
    return "updated";
  };
}

function toMemberPath({ memberId }: MemberKey): string {
  return `/member/${encodeURIComponent(memberId)}`;
}

function toUser(answer: Answer, userId: string, urlRule: UrlRule): SsoUser {
  const good = requireGood(answer);
  const user = read(User, good);
  refuseOtherUser(good, user.external_user_guid, userId);
  refuseOtherUser(good, user.external_guid, userId);
  const widgetUrls = new Map<string, WidgetUrl>();
  for (const type of SSO_WIDGET_TYPES) {
    const url = toWidgetUrl(urlRule, type, user[`${type}_url`], good.sentAt);
    if (url) widgetUrls.set(type, url);
  }
  const isDisabled = user.status?.name?.toUpperCase() === "DISABLED"; // Assumption A5.
  return { guid: user.guid, isDisabled, isNew: false, widgetUrls };
}

/** What is known of the owner must match. What the answer leaves out cannot be checked. */
function toMember(answer: Answer, own: MemberKey): Member {
  const good = requireGood(answer);
  const { data: member } = MemberBody.safeParse(good.body);
  const named = MX_GUID.test(own.memberId) ? member?.guid : member?.external_member_guid;
  refuseOtherUser(good, named, own.memberId);
  refuseOtherUser(good, member?.external_user_guid, own.userId);
  refuseOtherUser(good, member?.user_guid, own.userGuid);
  return {
    guid: member?.guid ?? undefined,
    userGuid: member?.user_guid ?? undefined,
    userId: member?.external_user_guid ?? undefined,
  };
}

function toUserFields({ userId, profile: { metadata: _, ...fields } }: NewUser) {
  return { external_user_guid: userId, ...fields };
}

/** MX's sample only shows `userkey`. The names `login` and `password` are assumption A11. */
function toFields(credentials: MemberCredentials) {
  return credentials.fields.map(({ name, response }) => ({ field_name: name, response }));
}
