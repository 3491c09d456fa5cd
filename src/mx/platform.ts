/**
 * MX Platform API: Users, and URLs for every widget. One function per endpoint, in both supported versions.
 *
 * v20250224 takes the partner's own id in the path; v20111101 wants MX's guid, which is found by the `id` filter and
 * remembered until a 404 says otherwise.
 * Source: MX Platform API, Create user, List users, Read user, Request widget URL.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import * as z from "zod";
import type { Budget } from "../session/budget.ts";
import type { Identity, Platform, PlatformUser, WidgetRequest } from "../session/types.ts";
import type { Send } from "./client.ts";
import { createOrFind } from "./create-or-find.ts";
import { toAppError } from "./outcome.ts";
import { read, refuseOtherUser, toWidgetUrl, type UrlRule, UserGuid } from "./response-guards.ts";

export type PlatformVersion = "v20250224" | "v20111101";

export type PlatformOptions = {
  version: PlatformVersion;
  urlRule: UrlRule;
  /** Guids to remember (v20111101), about 200 bytes each. */
  maxRememberedGuids?: number;
};

/** MX: a read straight after a create may answer 404 for about 500 ms. Source: MX Platform API, Errors. */
const SETTLE_MS = 500;
/** Waits before the tries for the URL of a new User. */
const NEW_USER_WAITS_MS = [0, 300, 700];

const User = z.object({ guid: UserGuid.nullish(), id: z.string().nullish() });
const UserBody = z.object({ user: User });
const UsersBody = z.object({ users: z.array(User) });
const WidgetUrlBody = z.object({
  widget_url: z.object({
    url: z.unknown(),
    user_id: z.string().nullish(),
    external_user_guid: z.string().nullish(),
    user_guid: z.string().nullish(),
    guid: z.string().nullish(),
  }),
});

export function createPlatform(send: Send, options: PlatformOptions): Platform {
  const { version, urlRule, maxRememberedGuids = 10_000 } = options;
  const takesPartnerId = version === "v20250224";
  const guids = new LRUCache<string, string>({
    max: takesPartnerId ? 1 : maxRememberedGuids, // The memory for all of them is taken at once.
  });

  const findUser = async (userId: string, budget: Budget, newConnection = false) => {
    if (takesPartnerId) return toUser(userId, userId);
    const remembered = guids.get(userId);
    return remembered ? toUser(userId, remembered) : listUser(userId, budget, newConnection);
  };

  const listUser = async (userId: string, budget: Budget, newConnection: boolean) => {
    const path = `/users?id=${encodeURIComponent(userId)}`;
    const answer = await send(
      { operation: "platform.list_users", kind: "read", method: "GET", path, newConnection },
      budget,
    );
    const { users } = read(UsersBody, answer);
    const guid = users.find((user) => user.id === userId)?.guid; // Whether MX's filter is exact is not documented.
    if (!guid) return undefined;
    guids.set(userId, guid);
    return toUser(userId, guid);
  };

  const readUser = async (userId: string, budget: Budget, newConnection: boolean) => {
    const path = `/users/${encodeURIComponent(userId)}`;
    const answer = await send(
      { operation: "platform.read_user", kind: "read", method: "GET", path, newConnection },
      budget,
    );
    if (answer.outcome === "not_found") return undefined;
    refuseOtherUser(answer, read(UserBody, answer).user.id, userId);
    return toUser(userId, userId);
  };

  const createUser: Platform["createUser"] = async (identity, budget) => {
    const { userId } = identity;
    const body = { user: toUserFields(identity) };
    const find = takesPartnerId ? readUser : findUser; // A request beside this one may have found it.
    const user = await createOrFind(
      {
        kind: "create_user",
        create: ({ newConnection }) =>
          send(
            {
              operation: "platform.create_user",
              kind: "create_user",
              method: "POST",
              path: "/users",
              body,
              serializeBy: userId,
              newConnection,
            },
            budget,
          ),
        toCreated(answer) {
          const { user } = read(UserBody, answer);
          refuseOtherUser(answer, user.id, userId);
          if (takesPartnerId) return toUser(userId, userId);
          if (!user.guid)
            throw toAppError({ ...answer, outcome: "invalid_response", reason: "no_guid" });
          guids.set(userId, user.guid);
          return toUser(userId, user.guid);
        },
        find: ({ newConnection }) => find(userId, budget, newConnection),
        ...(takesPartnerId && { toExisting: () => toUser(userId, userId) }),
        settleMs: SETTLE_MS,
        onCreated: () => budget.audit("user_created"),
      },
      budget,
    );
    return { ...user, isNew: true };
  };

  const requestWidgetUrl: Platform["requestWidgetUrl"] = async (user, request, budget) => {
    for (const waitMs of user.isNew ? NEW_USER_WAITS_MS : [0]) {
      if (waitMs > 0) {
        if (!budget.allows("widget_url", waitMs)) break;
        await sleep(waitMs);
      }
      const answer = await send(toUrlCall(user, request), budget);
      if (answer.outcome === "not_found") continue;
      const { widget_url: made } = read(WidgetUrlBody, answer);
      refuseOtherUser(answer, made.user_id, user.userId);
      refuseOtherUser(answer, made.external_user_guid, user.userId);
      refuseOtherUser(answer, made.user_guid, toGuid(user));
      refuseOtherUser(answer, made.guid, toGuid(user));
      const url = toWidgetUrl(urlRule, request.widgetType, made.url, answer.sentAt);
      if (!url) throw toAppError({ ...answer, outcome: "invalid_response", reason: "widget_url" });
      return url;
    }
    guids.delete(user.userId);
    return undefined;
  };

  return {
    findUser: (userId, budget) => findUser(userId, budget),
    createUser,
    requestWidgetUrl,
  };
}

function toUser(userId: string, pathId: string): PlatformUser {
  return { userId, pathId, isNew: false };
}

/** With the partner's id in the path (v20250224) MX's guid is not known, and so cannot be compared. */
function toGuid(user: PlatformUser): string | undefined {
  return user.pathId === user.userId ? undefined : user.pathId;
}

function toUrlCall(user: PlatformUser, request: WidgetRequest): Parameters<Send>[0] {
  const { language, callbackPayload } = request;
  const headers = {
    ...(language && { "accept-language": language }),
    ...(callbackPayload && { "x-callback-payload": callbackPayload }),
  };
  return {
    operation: "platform.request_widget_url",
    kind: "widget_url",
    method: "POST",
    path: `/users/${encodeURIComponent(user.pathId)}/widget_urls`,
    ...((language || callbackPayload) && { headers }),
    body: { widget_url: request.options },
  };
}

function toUserFields({ userId, profile: { email, metadata } }: Identity) {
  return { id: userId, is_disabled: false, ...(email && { email }), ...(metadata && { metadata }) };
}
