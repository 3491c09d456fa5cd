/**
 * MX's SSO API v2 (MoneyDesktop): its paths, and what it refuses before it looks at a User or Member.
 *
 * Its answers are its own: a missing User is a 400, a missing Member a 500, a missing `Content-Type` a 404, a wrong key
 * no answer at all. Source: MX SSO API v2, Accessing, Errors, Guide, Users, Members.
 *
 * Assumed, where MX's pages are silent: the paths `/member/{id}`, 204 for a delete, 400 for a body with a bad field,
 * and that a client which is not this key's (`c`) has neither Users nor Members.
 */

import { type RequestHandler, Router } from "express";
import type { Answer } from "./answer.ts";
import type { Clock } from "./clock.ts";
import { createKnownUsers } from "./known-users.ts";
import { malformedPath } from "./malformed-path.ts";
import type { Operation } from "./operation.ts";
import type { ApiRequest, Serve } from "./serve.ts";
import type { SimulatorSettings } from "./settings.ts";
import { clientNotAssociated, memberNotFound, ssoFailure, userNotFound } from "./sso-errors.ts";
import { createSsoMembers, ownerOf } from "./sso-members.ts";
import { createSsoUsers } from "./sso-users.ts";
import type { SimulatorState } from "./state.ts";

export type SsoApiOptions = {
  credentials: { ssoKey: string; clientGuid: string };
  state: SimulatorState;
  settings: SimulatorSettings;
  clock: Clock;
  /** Where widget URLs lead. */
  widgetOrigin: string;
  serve: Serve;
};

type Handle = (request: ApiRequest) => Answer;

export function createSsoApiV2(options: SsoApiOptions): Router {
  const { credentials, state, settings, serve } = options;
  const users = createSsoUsers({ ...options, users: createKnownUsers(state, settings) });
  const members = createSsoMembers(options);

  /** `absent` is the answer when what the call needs does not exist; in another client nothing does. */
  function call(operation: Operation | "unknown", handle: Handle, absent: Handle): RequestHandler {
    const takesBody = /create|update/.test(operation);
    return serve(operation, {
      reply(request) {
        if (request.query.k !== credentials.ssoKey || !request.query.c) return "silence";
        if (takesBody && !request.isJson) return ssoFailure(404);
        if (request.query.c !== credentials.clientGuid) return absent(request);
        return handle(request);
      },
      absent,
      failure: ssoFailure,
    });
  }

  const noUser: Handle = ({ id }) => userNotFound(id);
  const noOwner: Handle = ({ body }) => userNotFound(ownerOf(body));
  const noPath: Handle = () => ssoFailure(404);
  const unknown = call("unknown", noPath, noPath);

  return Router({ caseSensitive: true, strict: true })
    .get("/user/:id", call("sso.read_user", users.read, noUser))
    .post("/user", call("sso.create_user", users.create, clientNotAssociated))
    .put("/user/:id", call("sso.update_user", users.update, noUser))
    .delete("/user/:id", call("sso.delete_user", users.delete, noUser))
    .get("/member/:id", call("sso.read_member", members.read, memberNotFound))
    .post("/member", call("sso.create_member", members.create, noOwner))
    .put("/member/:id", call("sso.update_member", members.update, memberNotFound))
    .delete("/member/:id", call("sso.delete_member", members.delete, memberNotFound))
    .use(unknown)
    .use(malformedPath(unknown));
}
