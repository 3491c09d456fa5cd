/**
 * The Users that the Platform API sees: a new one only after a moment, whichever API made it.
 *
 * That an id is taken shows at once, when it is used again. Source: MX Platform API, Errors (404 after a create).
 */

import type { Clock } from "./clock.ts";
import type { PlatformVersion } from "./platform-versions.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { SimulatedUser, SimulatorState } from "./state.ts";

export type VisibleUsers = {
  list(): readonly SimulatedUser[];
  /** By MX's guid; where the version allows it, by the partner's id too. */
  find(idOrGuid: string, version: PlatformVersion): SimulatedUser | undefined;
};

export function createVisibleUsers(options: {
  state: SimulatorState;
  settings: SimulatorSettings;
  clock: Clock;
}): VisibleUsers {
  const { state, settings, clock } = options;

  function isVisible(user: SimulatedUser): boolean {
    return clock.now() - user.createdAt >= settings.propagationMs;
  }

  return {
    list: () => [...state.users.values()].filter(isVisible),
    find(idOrGuid, version) {
      const user = version.takesPartnerId ? state.findUser(idOrGuid) : state.users.get(idOrGuid);
      return user && isVisible(user) ? user : undefined;
    },
  };
}
