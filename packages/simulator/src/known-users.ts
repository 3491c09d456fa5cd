/**
 * Who is known by an id, as far as the settings deviate from what is assumed about ids.
 */

import { deviates } from "./deviations.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { SimulatedUser, SimulatorState } from "./state.ts";

export type KnownUsers = {
  /** By guid or the partner's id. */
  find(idOrGuid: string): SimulatedUser | undefined;
  /** Whether no new User may have this id. */
  isTaken(id: string): boolean;
  /** Whether the id is refused, whoever it may be. */
  isTooLong(id: string): boolean;
};

const LONG = 64;

export function createKnownUsers(state: SimulatorState, settings: SimulatorSettings): KnownUsers {
  function find(idOrGuid: string): SimulatedUser | undefined {
    const user = state.findUser(idOrGuid);
    if (user || !deviates(settings, "ids-ignore-case")) return user;
    const lower = idOrGuid.toLowerCase();
    return [...state.users.values()].find(({ id }) => id?.toLowerCase() === lower);
  }

  return {
    find,
    isTaken: (id) =>
      find(id) !== undefined || (deviates(settings, "ids-not-reusable") && state.wasDeleted(id)),
    isTooLong: (id) => id.length > LONG && deviates(settings, "long-ids-refused"),
  };
}
