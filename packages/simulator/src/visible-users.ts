/**
 * The Users that the Platform API and SSO API v3 see: a new one only after a moment, whichever API made it.
 *
 * That an id is taken shows at once, when it is used again. Source: MX Platform API, Errors (404 after a create).
 */

import type { Clock } from "./clock.ts";
import { deviates } from "./deviations.ts";
import { createKnownUsers } from "./known-users.ts";
import type { PlatformVersion } from "./platform-versions.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { SimulatedUser, SimulatorState } from "./state.ts";

const SLOW_MS = 2000;

export type VisibleUsers = {
  list(): readonly SimulatedUser[];
  /** By MX's guid; where the version allows it, by the partner's id too. */
  find(
    idOrGuid: string,
    version: Pick<PlatformVersion, "takesPartnerId">,
  ): SimulatedUser | undefined;
};

export function createVisibleUsers(options: {
  state: SimulatorState;
  settings: SimulatorSettings;
  clock: Clock;
  /** Whose Users the API may not know. Default: nobody's. */
  mayMiss?: readonly SimulatedUser["madeBy"][];
}): VisibleUsers {
  const { state, settings, clock, mayMiss = [] } = options;

  const known = createKnownUsers(state, settings);

  function isVisible({ createdAt, madeBy }: SimulatedUser): boolean {
    if (mayMiss.includes(madeBy) && deviates(settings, "apis-apart")) return false;
    const slowMs = deviates(settings, "slow-users") ? SLOW_MS : 0;
    return clock.now() - createdAt >= settings.propagationMs + slowMs;
  }

  return {
    list: () => [...state.users.values()].filter(isVisible),
    find(idOrGuid, version) {
      const user = version.takesPartnerId ? known.find(idOrGuid) : state.users.get(idOrGuid);
      return user && isVisible(user) ? user : undefined;
    },
  };
}
