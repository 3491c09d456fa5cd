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

const MEDIA_TYPE = "application/vnd.moneydesktop.sso.v3+json";

const UrlBody = z.object({ url: z.object({ url: z.unknown(), user_id: z.string().nullish() }) });

export function toSsoV3Api(config: { baseUrl: URL; apiKey: Secret; clientId: string }): MxApi {
  const { apiKey } = config;
  return {
    name: "sso_v3",
    baseUrl: withClient(config),
    headers: { "md-api-key": apiKey.reveal(), accept: MEDIA_TYPE },
    contentType: MEDIA_TYPE,
    query: "",
    classify: classifyByStatus,
  };
}

/** The client is a segment of the path, in the SSO API v3 and in MDX Real Time. */
export function withClient({ baseUrl, clientId }: { baseUrl: URL; clientId: string }): URL {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${encodeURIComponent(clientId)}`;
  return url;
}

export function createSsoV3Urls(
  send: Send,
  { urlRule }: { urlRule: UrlRule },
): Pick<Platform, "requestWidgetUrl"> {
  return {
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
