/**
 * MX Platform API: Users, and URLs for every widget. One function per endpoint, in both supported versions.
 *
 * How MX's paths name a User differs by version: platform-path-ids.ts.
 * Source: MX Platform API, Create user, Request widget URL, Authentication and Versioning.
 */

import * as z from "zod";
import type { Secret } from "../secret.ts";
import type { Platform, PlatformPath, PlatformVersion, WidgetRequest } from "../session/types.ts";
import type { GoodAnswer, MxApi, MxCall, Send } from "./call.ts";
import { createCreateOnce } from "./create-or-find.ts";
import { classifyByStatus, read, refuseOtherUser, requireGood } from "./outcome.ts";
import { createGuids, createPartnerIds } from "./platform-path-ids.ts";
import { requestUntilVisible, requireWidgetUrl, type UrlRule } from "./widget-url.ts";

/** MX: a read straight after a create may answer 404 for about 500 ms. Source: MX Platform API, Errors. */
const SETTLE_MS = 500;
const SHOWS_WITHIN_MS = 2 * SETTLE_MS;

const WidgetUrlBody = z.object({
  widget_url: z.object({
    url: z.unknown(),
    user_id: z.string().nullish(),
    external_user_guid: z.string().nullish(),
    user_guid: z.string().nullish(),
    guid: z.string().nullish(),
  }),
});

/** Since 12 August 2026 every call names its version. That `v20111101` is the name of the older one is assumption A13. */
export function toPlatformApi(config: {
  baseUrl: URL;
  clientId: string;
  apiKey: Secret;
  version: PlatformVersion;
}): MxApi {
  const { baseUrl, clientId, apiKey, version } = config;
  const basic = Buffer.from(`${clientId}:${apiKey.reveal()}`).toString("base64");
  return {
    name: "platform",
    baseUrl,
    headers: {
      authorization: `Basic ${basic}`,
      accept: version === "v20111101" ? "application/vnd.mx.api.v1+json" : "application/json",
      "accept-version": version,
    },
    classify: classifyByStatus,
  };
}

export function createPlatform(
  send: Send,
  { version, urlRule }: { version: PlatformVersion; urlRule: UrlRule },
): Platform {
  const ids = version === "v20250224" ? createPartnerIds(send) : createGuids(send);
  const createOnce = createCreateOnce();
  return {
    urlOperation: "platform.request_widget_url",

    findUser: (userId, { budget }) => ids.findUser(userId, { newConnection: false }, budget),
    readUser: (userId, { budget }) => ids.confirmUser(userId, { newConnection: false }, budget),
    async createUser({ userId, profile: { email, metadata } }, context) {
      const { toExisting } = ids;
      const fields = { ...(email && { email }), ...(metadata && { metadata }) };
      const existing = await createOnce(
        {
          send,
          call: {
            operation: "platform.create_user",
            userId,
            kind: "create_user",
            method: "POST",
            path: "/users",
            body: { user: { id: userId, is_disabled: false, ...fields } },
            serializeBy: userId,
          },
          toCreated: (answer) => ids.toCreated(userId, requireGood(answer)),
          find: (connection) => ids.confirmUser(userId, connection, context.budget),
          toExisting: toExisting && (() => toExisting(userId)),
          settleMs: SETTLE_MS,
          showsWithinMs: SHOWS_WITHIN_MS,
        },
        context,
      );
      return { ...existing, isNew: true };
    },
    async requestWidgetUrl(user, request, { budget }) {
      const call = toUrlCall(user, request);
      const answer = await requestUntilVisible(send, call, { user, request }, budget);
      if (answer) createOnce.confirm(user.userId);
      else ids.forget(user.userId);
      return answer && toOwnUrl(user, request, answer, urlRule);
    },
  };
}

function toOwnUrl(
  user: PlatformPath,
  request: WidgetRequest,
  answer: GoodAnswer,
  urlRule: UrlRule,
) {
  const { widget_url: made } = read(WidgetUrlBody, answer);
  refuseOtherUser(answer, made.user_id, user.userId); // Assumption A16: it is the partner's id.
  refuseOtherUser(answer, made.external_user_guid, user.userId);
  refuseOtherUser(answer, made.user_guid, toGuid(user));
  refuseOtherUser(answer, made.guid, toGuid(user));
  return requireWidgetUrl(urlRule, request, made.url, answer);
}

/** With the partner's id in the path (v20250224) MX's guid is not known, and so cannot be compared. */
function toGuid(user: PlatformPath): string | undefined {
  return user.pathId === user.userId ? undefined : user.pathId;
}

function toUrlCall(user: PlatformPath, request: WidgetRequest): MxCall {
  const { language, callbackPayload, callerOptions } = request;
  const headers = {
    ...(language && { "accept-language": language }),
    ...(callbackPayload && { "x-callback-payload": callbackPayload }),
  };
  return {
    operation: "platform.request_widget_url",
    userId: user.userId,
    kind: "widget_url",
    method: "POST",
    path: `/users/${encodeURIComponent(user.pathId)}/widget_urls`,
    ...((language || callbackPayload) && { headers }),
    body: { widget_url: request.options },
    hasCallerOptions: callerOptions.length > 0 || callbackPayload !== undefined,
  };
}
