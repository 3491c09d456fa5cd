/**
 * MX's MDX Real Time: the users and members of partners with SSO API v3.
 *
 * 409 comes from POST alone. Source: MX MDX Real Time; statuses and fields as MX's published client and its tests have them.
 */

import { Router } from "express";
import type { Clock } from "./clock.ts";
import { deviates } from "./deviations.ts";
import { malformedPath } from "./malformed-path.ts";
import { createMdxMembers } from "./mdx-members.ts";
import { createMdxUsers } from "./mdx-users.ts";
import type { Serve } from "./serve.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { SimulatorState } from "./state.ts";
import {
  createVendorCall,
  type VendorCall,
  type VendorCredentials,
  vendorError,
} from "./vendor-api.ts";

const MDX_MEDIA_TYPE = "application/vnd.moneydesktop.mdx.v5+json";

export function createMdxApi(options: {
  credentials: VendorCredentials;
  state: SimulatorState;
  settings: SimulatorSettings;
  clock: Clock;
  serve: Serve;
}): Router {
  const { state, settings, clock } = options;
  const isShown = ({ createdAt }: { createdAt: number }) =>
    clock.now() - createdAt >= settings.mdxPropagationMs;
  const users = createMdxUsers(state, settings, isShown);
  const members = createMdxMembers(state, settings, isShown);
  const vendorCall = createVendorCall({ ...options, mediaType: MDX_MEDIA_TYPE });
  const call: VendorCall = (operation, handle) =>
    vendorCall(operation, (request) =>
      deviates(settings, "mdx-key-apart") ? vendorError(401) : handle(request),
    );
  const unknown = call("unknown", () => vendorError(404));

  return Router({ caseSensitive: true, strict: true })
    .post("/:client/users.json", call("mdx.create_user", users.create))
    .get("/:client/users/:id.json", call("mdx.read_user", users.read))
    .put("/:client/users/:id.json", call("mdx.update_user", users.update))
    .delete(
      ["/:client/users/:id.json", "/:client/users/:id.xml"],
      call("mdx.delete_user", users.delete),
    )
    .post("/:client/users/:user/members.json", call("mdx.create_member", members.create))
    .get("/:client/users/:user/members/:id.json", call("mdx.read_member", members.read))
    .put("/:client/users/:user/members/:id.json", call("mdx.update_member", members.update))
    .delete("/:client/users/:user/members/:id.json", call("mdx.delete_member", members.delete))
    .use(unknown)
    .use(malformedPath(unknown));
}
