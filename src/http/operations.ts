/**
 * The operations port: for the orchestrator and the operator, never for the public.
 *
 * MX's state does not flip health: a restart would not mend MX.
 * Source: Kubernetes, Configure Liveness, Readiness and Startup Probes.
 */

import express, { type ErrorRequestHandler, type Express } from "express";
import { AppError } from "../errors.ts";
import type { Lifecycle } from "./admission.ts";
import { createDocs } from "./pages.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";
import { methodNotAllowed, notFound } from "./problems.ts";

export type OperationsOptions = {
  lifecycle: Lifecycle;
  /** Each issuer was asked for its keys, and one has answered; or there are logins that need none. */
  canAuthenticate: () => boolean;
  metrics: { contentType: string; text(): Promise<string> };
};

export type Readiness = Lifecycle["state"] | "ready" | "waiting_for_keys";

/** What `/readyz` says. */
export function toReadiness(lifecycle: Lifecycle, canAuthenticate: () => boolean): Readiness {
  if (lifecycle.state !== "serving") return lifecycle.state;
  return canAuthenticate() ? "ready" : "waiting_for_keys";
}

export function createOperations(options: OperationsOptions): Express {
  const { lifecycle, canAuthenticate, metrics } = options;
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.enable("case sensitive routing").enable("strict routing");

  app.get("/livez", (_req, res) => {
    res.json({ status: "alive" });
  });

  app.get("/readyz", (_req, res) => {
    const status = toReadiness(lifecycle, canAuthenticate);
    res.status(status === "ready" ? 200 : 503).json({ status });
  });

  app.get("/metrics", async (_req, res) => {
    const text = await metrics.text();
    res.set("Content-Type", metrics.contentType).send(text);
  });

  app.all(["/livez", "/readyz", "/metrics"], methodNotAllowed("GET, HEAD"));
  app.use(createDocs());
  app.use(notFound, refuse);

  return app;
}

const refuse: ErrorRequestHandler = (thrown: unknown, _req, res, _next) => {
  const code = thrown instanceof AppError ? thrown.code : "internal_error";
  res.status(PROBLEM_TYPES[code].status).json({ status: code });
};
