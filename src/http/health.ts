/**
 * Liveness and readiness.
 *
 * MX's state does not flip them: a restart would not mend MX.
 * Source: Kubernetes, Configure Liveness, Readiness and Startup Probes.
 */

import type { Router } from "express";
import type { Lifecycle } from "./admission.ts";
import { methodNotAllowed } from "./problems.ts";

export type HealthOptions = {
  lifecycle: Lifecycle;
  /** Each issuer was asked for its keys, and one has answered; or there are logins that need none. */
  canAuthenticate: () => boolean;
};

export const HEALTH_PATHS = ["/livez", "/readyz"];

export type Readiness = Lifecycle["state"] | "ready" | "waiting_for_keys";

export function toReadiness({ lifecycle, canAuthenticate }: HealthOptions): Readiness {
  if (lifecycle.state !== "serving") return lifecycle.state;
  return canAuthenticate() ? "ready" : "waiting_for_keys";
}

/** For platforms that reach the public port alone. The status code says it all; the public learns no more. */
export function routePublicHealth(router: Router, options: HealthOptions): void {
  router.get("/livez", (_req, res) => {
    res.status(200).end();
  });
  router.get("/readyz", (_req, res) => {
    res.status(toReadiness(options) === "ready" ? 200 : 503).end();
  });
  router.all(HEALTH_PATHS, methodNotAllowed("GET, HEAD"));
}
