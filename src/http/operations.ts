/**
 * The operations port: for the orchestrator, never for the public.
 *
 * MX's state does not flip health: a restart would not mend MX.
 * Source: Kubernetes, Configure Liveness, Readiness and Startup Probes.
 */

import express, { type Express } from "express";
import type { Lifecycle } from "./admission.ts";

export type OperationsOptions = {
  lifecycle: Lifecycle;
  /** Each issuer was asked for its keys, and one has answered; or there are logins that need none. */
  canAuthenticate: () => boolean;
};

export function createOperations({ lifecycle, canAuthenticate }: OperationsOptions): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag");

  app.get("/livez", (_req, res) => {
    res.json({ status: "alive" });
  });

  app.get("/readyz", (_req, res) => {
    const status =
      lifecycle.state !== "serving"
        ? lifecycle.state
        : canAuthenticate()
          ? "ready"
          : "waiting_for_keys";
    res.status(status === "ready" ? 200 : 503).json({ status });
  });

  app.use((_req, res) => {
    res.status(404).json({ status: "not_found" });
  });

  return app;
}
