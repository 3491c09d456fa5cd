/**
 * The operations port: for the orchestrator and the operator, never for the public.
 */

import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import { AppError } from "../errors.ts";
import { HEALTH_PATHS, type HealthOptions, toReadiness } from "./health.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";
import { methodNotAllowed, notFound } from "./problems.ts";

export type OperationsOptions = HealthOptions & {
  metrics: { contentType: string; text(): Promise<string> };
  /** From `createDocs`. */
  docs: RequestHandler;
};

export function createOperations(options: OperationsOptions): Express {
  const { metrics, docs } = options;
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.enable("case sensitive routing").enable("strict routing");

  app.get("/livez", (_req, res) => {
    res.json({ status: "alive" });
  });

  app.get("/readyz", (_req, res) => {
    const status = toReadiness(options);
    res.status(status === "ready" ? 200 : 503).json({ status });
  });

  app.get("/metrics", async (_req, res) => {
    const text = await metrics.text();
    res.set("Content-Type", metrics.contentType).send(text);
  });

  app.all([...HEALTH_PATHS, "/metrics"], methodNotAllowed("GET, HEAD"));
  app.use(docs);
  app.use(notFound, refuse);

  return app;
}

const refuse: ErrorRequestHandler = (thrown: unknown, _req, res, _next) => {
  const code = thrown instanceof AppError ? thrown.code : "internal_error";
  res.status(PROBLEM_TYPES[code].status).json({ status: code });
};
