/**
 * The simulator by hand: JSON below `/_simulator` on the widgets' origin.
 *
 *     GET    /_simulator              what there is: Users, calls, faults, settings
 *     POST   /_simulator/faults       a fault (faults.ts), with "operation", and "times" as a number or "always"
 *     DELETE /_simulator/faults
 *     POST   /_simulator/clock        { "advanceMs": 600000 }
 *     POST   /_simulator/settings     { "latencyMs", "propagationMs", "deviations", … } (settings.ts)
 *     POST   /_simulator/seed         { "users": [{ "id", "guid", "email", "members": [{ "id", … }] }] } (seed.ts)
 *     DELETE /_simulator/users/{id}   as MX may do on its own
 *
 * Any web page may call it and nobody logs in: it is a development tool, on loopback, with invented data.
 */

import express, { type ErrorRequestHandler, type RequestHandler, Router } from "express";
import { z } from "zod";
import type { CallLog } from "./call-log.ts";
import type { Clock } from "./clock.ts";
import { DEVIATIONS, type Deviation } from "./deviations.ts";
import { Fault, type FaultPlan } from "./faults.ts";
import { OPERATIONS } from "./operation.ts";
import { applySeed, Seed } from "./seed.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { SimulatorState } from "./state.ts";

export type ControlOptions = {
  state: SimulatorState;
  calls: CallLog;
  faults: FaultPlan;
  settings: SimulatorSettings;
  clock: Clock;
};

export function createControl(options: ControlOptions): Router {
  const { state, faults, settings, clock } = options;
  const router = Router();

  router.use(allowAnyPage, express.json());

  router.get("/", (_req, res) => {
    res.json(summarise(options));
  });

  router.post("/faults", (req, res) => {
    const { operation, times, ...fault } = FaultBody.parse(req.body);
    faults.add(Fault.parse(fault), { operation, times: times === "always" ? Infinity : times });
    res.status(204).end();
  });

  router.delete("/faults", (_req, res) => {
    faults.clear();
    res.status(204).end();
  });

  router.post("/clock", (req, res) => {
    clock.advance(ClockBody.parse(req.body).advanceMs);
    res.json({ now: new Date(clock.now()).toISOString() });
  });

  router.post("/settings", (req, res) => {
    Object.assign(settings, SettingsBody.parse(req.body));
    res.json(settings);
  });

  router.post("/seed", (req, res) => {
    const seed = Seed.parse(req.body);
    try {
      applySeed(state, seed);
    } catch {
      res
        .status(409)
        .json({ error: "An id or a guid is taken. The entries before it were added." });
      return;
    }
    res.status(204).end();
  });

  router.delete("/users/:id", (req, res) => {
    const user = state.findUser(req.params.id);
    if (user) state.deleteUser(user);
    res.status(user ? 204 : 404).end();
  });

  router.use((_req, res) => {
    res.status(404).json({ error: "There is no such path below /_simulator." });
  });
  return router.use(explainBadInput);
}

const FaultBody = z.looseObject({
  operation: z.enum(OPERATIONS).optional(),
  times: z.union([z.int().positive(), z.literal("always")]).optional(),
});

const ClockBody = z.strictObject({ advanceMs: z.number().min(0) });

const SettingsBody = z
  .strictObject({
    latencyMs: z.number().min(0),
    propagationMs: z.number().min(0),
    mdxPropagationMs: z.number().min(0),
    requestsPerSecond: z.int().positive().nullable(),
    missingWidgets: z.array(z.string()),
    memberExists: z.strictObject({ status: z.int().min(400).max(599), message: z.string() }),
    deviations: z.array(z.enum(Object.keys(DEVIATIONS) as Deviation[])),
  })
  .partial();

const allowAnyPage: RequestHandler = (req, res, next) => {
  res.set("Access-Control-Allow-Origin", "*");
  if (req.method !== "OPTIONS") return next();
  res
    .set("Access-Control-Allow-Methods", "GET, POST, DELETE")
    .set("Access-Control-Allow-Headers", "content-type")
    .status(204)
    .end();
};

/** Names nobody's credentials: what is on a screen may be photographed. */
function summarise({ state, calls, faults, settings, clock }: ControlOptions): object {
  const users = [...state.users.values()].map((user) => ({
    guid: user.guid,
    id: user.id,
    isDisabled: user.isDisabled,
    members: state
      .membersOf(user)
      .map(({ guid, id, timesUpdated }) => ({ guid, id, timesUpdated })),
  }));
  const operations = OPERATIONS.map((operation) => [operation, calls.of(operation).length]);
  const pending = faults.pending.map(({ timesLeft, ...planned }) => ({
    ...planned,
    timesLeft: timesLeft === Infinity ? "always" : timesLeft,
  }));
  return {
    now: new Date(clock.now()).toISOString(),
    users,
    created: state.created,
    calls: { all: calls.count, ...Object.fromEntries(operations) },
    faults: pending,
    settings,
  };
}

const explainBadInput: ErrorRequestHandler = (error, _req, res, next) => {
  if (error instanceof z.ZodError) res.status(400).json({ error: z.prettifyError(error) });
  else if (error.status === 400) res.status(400).json({ error: "The body is not JSON." });
  else next(error);
};
