/**
 * MX SSO API v3: a widget URL for each request, by the partner's own id of the user. Users and Members are in mdx.ts.
 *
 * Always `POST …/urls.json`: `GET …/urls/{type}` would start an aggregation of all the user's members.
 * Sources: MX SSO API v3, Requirements, and Get a widget URL with configuration options. Its table of options is not
 * published; that they are the Platform API's is assumption A25 (docs/assumptions.md).
 */

import * as z from "zod";
import type { Secret } from "../secret.ts";
import type { Platform, WidgetRequest } from "../session/types.ts";
import type { MxApi, MxCall, Send } from "./call.ts";
import { classifyByStatus, read, refuseOtherUser } from "./outcome.ts";
import { requestUntilVisible, requireWidgetUrl, type UrlRule } from "./widget-url.ts";

const UrlBody = z.object({ url: z.object({ url: z.unknown(), user_id: z.string().nullish() }) });

const MEDIA_TYPES = {
  sso_v3: "application/vnd.moneydesktop.sso.v3+json",
  mdx: "application/vnd.moneydesktop.mdx.v5+json",
};

/** The SSO API v3 and MDX Real Time: the client is a segment of the path, and bodies have a media type of their own. */
export function toClientApi(
  name: keyof typeof MEDIA_TYPES,
  config: { baseUrl: URL; apiKey: Secret; clientId: string },
): MxApi {
  const mediaType = MEDIA_TYPES[name];
  const baseUrl = new URL(config.baseUrl);
  baseUrl.pathname = `${baseUrl.pathname.replace(/\/$/, "")}/${encodeURIComponent(config.clientId)}`;
  return {
    name,
    baseUrl,
    headers: { "md-api-key": config.apiKey.reveal(), accept: mediaType },
    contentType: mediaType,
    classify: classifyByStatus,
  };
}

export function createSsoV3Urls(
  send: Send,
  { urlRule }: { urlRule: UrlRule },
): Pick<Platform, "requestWidgetUrl" | "urlOperation"> {
  return {
    urlOperation: "sso_v3.request_widget_url",

    async requestWidgetUrl(user, request, { budget }) {
      const answer = await requestUntilVisible(
        send,
        toUrlCall(user.userId, request),
        { user, request },
        budget,
      );
      if (!answer) return undefined;
      const { url: made } = read(UrlBody, answer);
      refuseOtherUser(answer, made.user_id, user.userId); // Assumption A16: it is the partner's id.
      return requireWidgetUrl(urlRule, request, made.url, answer);
    },
  };
}

function toUrlCall(userId: string, { options, language, callerOptions }: WidgetRequest): MxCall {
  const { widget_type: type, ...rest } = options;
  return {
    operation: "sso_v3.request_widget_url",
    userId,
    kind: "widget_url",
    method: "POST",
    path: `/users/${encodeURIComponent(userId)}/urls.json`,
    ...(language && { headers: { "accept-language": language } }),
    body: { url: { type, ...rest } },
    hasCallerOptions: callerOptions.length > 0,
  };
}
