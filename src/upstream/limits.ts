/** How long one call to an upstream may take, by what a whole request may take. `--check` uses the same. */

export type Limits = {
  /** For the name, the tunnel and the handshakes together. */
  connectTimeoutMs: number;
  /** For one attempt, connecting included; less where the request has less left. */
  attemptMs: number;
};

const MIN_CONNECT_MS = 1000;
const MIN_ATTEMPT_MS = 3000;

export function toLimits(requestDeadlineMs: number): Limits {
  return {
    connectTimeoutMs: Math.max(MIN_CONNECT_MS, Math.floor(requestDeadlineMs / 3)),
    attemptMs: Math.max(MIN_ATTEMPT_MS, Math.floor(requestDeadlineMs / 2)),
  };
}
