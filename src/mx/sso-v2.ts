/**
 * MX SSO API v2: the Users and Members that a login keeps current. Bodies are flat.
 *
 * Of MX's answers only the guid and the widget URLs are taken: they also hold a login token and personal data.
 * Source: MX SSO API v2, Reference and Guide. That Members live at `/member/{id}`, as `POST /member` suggests, is
 * assumption A4 for reads and assumption A10 for updates (docs/assumptions.md).
 */

import * as z from "zod";
import type { Secret } from "../secret.ts";
import type { Budget } from "../session/budget.ts";
import type { MemberCredentials, SsoDirectory, SsoUser, WidgetUrl } from "../session/types.ts";
import { SSO_WIDGET_TYPES } from "../session/widget-options.ts";
import type { Answer, MxApi, Send } from "./call.ts";
import { readOne } from "./client.ts";
import { type Connection, createCreateOnce } from "./create-or-find.ts";
import { createMembers, type MemberApi, Name } from "./members.ts";
import { classifySsoV2, read, refuseOtherUser, requireGood, UserGuid } from "./outcome.ts";
import { toWidgetUrl, type UrlRule } from "./widget-url.ts";

const User = z.looseObject({
  guid: UserGuid,
  external_user_guid: z.string().nullish(),
  external_guid: z.string().nullish(),
  status: z.looseObject({ name: z.string().nullish() }).nullish().catch(undefined),
});

const MEMBERS: MemberApi = {
  name: "sso",
  hasUserInPath: false,
  isLate: false,
  toPath: ({ memberId }) => `/member/${encodeURIComponent(memberId)}`,
  toCreatePath: () => "/member",
  toCreateBody: ({ userId, memberId }, credentials) => ({
    external_user_guid: userId,
    external_member_guid: memberId,
    credentials: toFields(credentials),
  }),
  toUpdateBody: (credentials) => ({ credentials: toFields(credentials) }),
  Answer: z
    .object({
      external_member_guid: Name,
      guid: Name,
      external_user_guid: Name,
      user_guid: Name,
    })
    .transform((member) => ({
      id: member.external_member_guid,
      guid: member.guid,
      userId: member.external_user_guid,
      userGuid: member.user_guid,
    })),
};

/** The key must be in the query, and arrive byte for byte. Source: MX SSO API v2, Accessing the API. */
export function toSsoApi(config: { baseUrl: URL; apiKey: Secret; clientGuid: string }): MxApi {
  const { baseUrl, apiKey, clientGuid } = config;
  return {
    name: "sso",
    baseUrl,
    headers: { accept: "application/json" },
    query: `k=${encodeURIComponent(apiKey.reveal())}&c=${encodeURIComponent(clientGuid)}`,
    classify: classifySsoV2,
  };
}

export function createSsoDirectory(send: Send, { urlRule }: { urlRule: UrlRule }): SsoDirectory {
  const createOnce = createCreateOnce();

  async function readUser(userId: string, { newConnection }: Connection, budget: Budget) {
    const path = `/user/${encodeURIComponent(userId)}`;
    const answer = await readOne(send, "sso.read_user", { userId, path, newConnection }, budget);
    return answer && toUser(answer, userId, urlRule);
  }

  return {
    ...createMembers(send, MEMBERS),
    findUser: (userId, { budget }) => readUser(userId, { newConnection: false }, budget),
    async createUser({ userId, profile: { metadata: _, ...fields } }, context) {
      const existing = await createOnce(
        {
          send,
          call: {
            operation: "sso.create_user",
            userId,
            kind: "create_user",
            method: "POST",
            path: "/user",
            body: { external_user_guid: userId, ...fields },
            serializeBy: userId,
          },
          toCreated: (answer) => toUser(answer, userId, urlRule),
          find: (connection) => readUser(userId, connection, context.budget),
        },
        context,
      );
      return { ...existing, isNew: true };
    },
  };
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

/** MX's sample only shows `userkey`. The names `login` and `password` are assumption A11. */
function toFields(credentials: MemberCredentials) {
  return credentials.fields.map(({ name, response }) => ({ field_name: name, response }));
}
