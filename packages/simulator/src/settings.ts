/** What may be changed while the simulator runs. */

import type { Deviating } from "./deviations.ts";

/** Besides: what is assumed about MX, switched to its opposite (deviations.ts). */
export type SimulatorSettings = Deviating & {
  /** Round trip of every API call: half of it on the way in, half on the way back. */
  latencyMs: number;
  /** How long the Platform API and SSO API v3 answer as if a new User did not exist. MX advises to ask again after 500 ms. */
  propagationMs: number;
  /** How long MDX Real Time answers as if a new User or Member did not exist. That its id is taken shows at once. */
  mdxPropagationMs: number;
  /** Platform API calls per second before 429; MX allows 750 writes and 2000 reads. `null`: no limit. */
  requestsPerSecond: number | null;
  /** MX does not document its answer to a second Member of the same id; `{id}` becomes that id. */
  memberExists: { status: number; message: string };
  /** Widget types that the client does not have; SSO API v3 answers 404 for them. */
  missingWidgets: readonly string[];
};

export function createSettings(given: {
  latencyMs: number;
  propagationMs: number;
}): SimulatorSettings {
  return {
    ...given,
    mdxPropagationMs: 0,
    requestsPerSecond: null,
    memberExists: { status: 400, message: "Member already exists with guid {id}" },
    deviations: [],
    missingWidgets: [],
  };
}
