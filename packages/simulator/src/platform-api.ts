/**
 * MX's Platform API: its paths, and what it refuses before it looks at a User.
 *
 * Checked in this order (assumed): credentials, rate limit, version, the User, the body.
 * Source: MX Platform API, Overview (authentication, versioning, formats, errors), Users, Request widget URL.
 */

import { type RequestHandler, Router } from "express";
import type { Answer } from "./answer.ts";
import type { Clock } from "./clock.ts";
import { deviates } from "./deviations.ts";
import { malformedPath } from "./malformed-path.ts";
import type { Operation } from "./operation.ts";
import { notFound, platformError } from "./platform-errors.ts";
import type { PlatformHandle } from "./platform-request.ts";
import { createPlatformUsers } from "./platform-users.ts";
import { findPlatformVersion } from "./platform-versions.ts";
import { createWidgetUrlRequest } from "./platform-widget-urls.ts";
import { createRateLimit } from "./rate-limit.ts";
import type { ApiRequest, Serve } from "./serve.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { SimulatorState } from "./state.ts";
import { createVisibleUsers } from "./visible-users.ts";

export type PlatformApiOptions = {
  credentials: Credentials;
  state: SimulatorState;
  settings: SimulatorSettings;
  clock: Clock;
  /** Where widget URLs lead. */
  widgetOrigin: string;
  serve: Serve;
};

type Credentials = { clientId: string; apiKey: string };

export function createPlatformApi(options: PlatformApiOptions): Router {
  const { credentials, state, settings, clock, widgetOrigin, serve } = options;
  const isOverLimit = createRateLimit(clock, settings);
  const visible = createVisibleUsers({ state, settings, clock, mayMiss: ["sso", "mdx"] });
  const users = createPlatformUsers({ state, settings, visible });
  const requestWidgetUrl = createWidgetUrlRequest({ state, settings, visible, widgetOrigin });

  /** `absent` is the answer when what is asked for does not exist. */
  function call(
    operation: Operation | "unknown",
    handle: PlatformHandle,
    absent: PlatformHandle = notFound,
  ): RequestHandler {
    return serve(operation, {
      reply(request) {
        if (!isAuthenticated(request, credentials)) return platformError(401);
        if (isOverLimit()) return platformError(429);
        return inVersion(request, handle, settings);
      },
      absent: (request) => inVersion(request, absent, settings),
      failure: platformError,
    });
  }

  const unknown = call("unknown", notFound);

  return Router({ caseSensitive: true, strict: true })
    .post("/users", call("platform.create_user", users.create))
    .get("/users", call("platform.list_users", users.list, users.listNone))
    .get("/users/:id", call("platform.read_user", users.read))
    .put("/users/:id", call("platform.update_user", users.update))
    .delete("/users/:id", call("platform.delete_user", users.delete))
    .post("/users/:id/widget_urls", call("platform.request_widget_url", requestWidgetUrl))
    .use(unknown)
    .use(malformedPath(unknown));
}

function isAuthenticated({ headers }: ApiRequest, expected: Credentials): boolean {
  const [, encoded = ""] = /^basic (.+)$/i.exec(headers.authorization ?? "") ?? [];
  const given = Buffer.from(encoded, "base64").toString();
  return given === `${expected.clientId}:${expected.apiKey}`;
}

/** What was not sent as `application/json` counts as not sent (assumed). */
function inVersion(
  request: ApiRequest,
  handle: PlatformHandle,
  settings: SimulatorSettings,
): Answer {
  const version = findPlatformVersion(request.headers["accept-version"]);
  const isRefused = !version?.takesPartnerId && deviates(settings, "old-version-refused");
  if (!version || isRefused) return platformError(406, "Accept-Version names no version");
  const body = request.isJson ? request.body : undefined;
  const answer = handle({ ...request, body, version });
  if (answer.body === undefined) return answer;
  return { ...answer, headers: { "content-type": version.contentType } };
}
