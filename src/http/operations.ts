/**
 * Liveness and readiness on both ports, and the operations port: for the orchestrator and the operator, never for the public.
 *
 * MX's state does not change them: a restart would not repair MX.
 * Source: Kubernetes, Configure Liveness, Readiness and Startup Probes.
 */

import express, {
  type ErrorRequestHandler,
  type Express,
  type RequestHandler,
  type Response,
  type Router,
} from "express";
import { AppError } from "../errors.ts";
import type { Lifecycle } from "./admission.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";
import { methodNotAllowed, notFound } from "./problems.ts";

export type HealthOptions = {
  lifecycle: Lifecycle;
  /** The keys of each issuer were requested, and one has answered, or a login that needs none is configured. */
  canAuthenticate: () => boolean;
};

export const HEALTH_PATHS = ["/livez", "/readyz"];

type Readiness = Lifecycle["state"] | "ready" | "waiting_for_keys";

export function toReadiness({ lifecycle, canAuthenticate }: HealthOptions): Readiness {
  if (lifecycle.state !== "serving") return lifecycle.state;
  return canAuthenticate() ? "ready" : "waiting_for_keys";
}

/** For platforms that reach only the public port. The status code is all that they need, and all that the public gets. */
export function routePublicHealth(router: Router, options: HealthOptions): void {
  routeHealth(router, options, (res, code) => res.status(code).end());
}

function routeHealth(
  router: Router,
  options: HealthOptions,
  answer: (res: Response, code: number, status: string) => void,
): void {
  router.get("/livez", (_req, res) => answer(res, 200, "alive"));
  router.get("/readyz", (_req, res) => {
    const status = toReadiness(options);
    answer(res, status === "ready" ? 200 : 503, status);
  });
  router.all(HEALTH_PATHS, methodNotAllowed("GET, HEAD"));
}

type OperationsOptions = HealthOptions & {
  metrics: { contentType: string; text(): Promise<string> };
  /** From `createDocs`. */
  docs: RequestHandler;
};

export function createOperations(options: OperationsOptions): Express {
  const { metrics, docs } = options;
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.enable("case sensitive routing").enable("strict routing");

  routeHealth(app, options, (res, code, status) => res.status(code).json({ status }));
  app.get("/metrics", async (_req, res) => {
    const text = await metrics.text();
    res.set("Content-Type", metrics.contentType).send(text);
  });

  app.all("/metrics", methodNotAllowed("GET, HEAD"));
  app.use(docs);
  app.use(notFound, refuse);

  return app;
}

const refuse: ErrorRequestHandler = (thrown: unknown, _req, res, _next) => {
  const code = thrown instanceof AppError ? thrown.code : "internal_error";
  res.status(PROBLEM_TYPES[code].status).json({ status: code });
};
