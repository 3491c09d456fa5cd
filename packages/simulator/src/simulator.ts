/**
 * MX as documented, in memory: Platform API, SSO API v2 and the widgets, each on an origin of its own.
 *
 * It serves integration tests, the demo, and whoever experiments by hand (control.ts). Nothing is shared between two
 * simulators in one process.
 */

import express, { type Express, type Router } from "express";
import { type CallLog, createCallLog } from "./call-log.ts";
import { createClock } from "./clock.ts";
import { createControl } from "./control.ts";
import { createFaultPlan, type Fault, type FaultOptions } from "./faults.ts";
import { createHookList } from "./hooks.ts";
import { startListener } from "./listener.ts";
import { createMdxApi } from "./mdx-api.ts";
import type { Operation } from "./operation.ts";
import { createPlatformApi } from "./platform-api.ts";
import { applySeed, type Seed } from "./seed.ts";
import { createServe } from "./serve.ts";
import { createSettings, type SimulatorSettings } from "./settings.ts";
import { createSsoApiV2 } from "./sso-api-v2.ts";
import { createSsoApiV3 } from "./sso-api-v3.ts";
import { createState, type SimulatorState } from "./state.ts";
import { createWidgets } from "./widgets.ts";

export type SimulatorCredentials = {
  /** Basic authentication of the Platform API. */
  clientId: string;
  apiKey: string;
  /** `k` and `c` of the SSO API. */
  ssoKey: string;
  clientGuid: string;
  /** `MD-API-KEY` and the path segment of SSO API v3 and MDX Real Time. */
  mdApiKey: string;
  vendorClientId: string;
};

export type SimulatorOptions = {
  /** Default: 127.0.0.1. */
  host?: string | undefined;
  /** Default for all of them: any free port. */
  platformPort?: number | undefined;
  ssoPort?: number | undefined;
  widgetPort?: number | undefined;
  ssoV3Port?: number | undefined;
  mdxPort?: number | undefined;
  credentials?: Partial<SimulatorCredentials> | undefined;
  /** Where the URLs of widgets lead, such as to a TLS proxy in front. Default: `widgetUrl`. */
  widgetOrigin?: string | undefined;
  /** Default: 0. */
  latencyMs?: number | undefined;
  /** Default: 0. MX itself may need some 500. */
  propagationMs?: number | undefined;
  /** The base clock, in milliseconds since the epoch. Default: Date.now. */
  now?: (() => number) | undefined;
  /** Users and Members that are there from the start. Default: none. */
  seed?: Seed | undefined;
};

export type Simulator = AsyncDisposable & {
  /** Origins, such as `http://127.0.0.1:41234`. */
  readonly platformUrl: string;
  readonly ssoUrl: string;
  readonly ssoV3Url: string;
  readonly mdxUrl: string;
  readonly widgetUrl: string;
  /** Control by hand, below `widgetUrl`: see control.ts. */
  readonly controlUrl: string;
  readonly credentials: Readonly<SimulatorCredentials>;
  readonly calls: CallLog;
  readonly state: SimulatorState;
  /** May be assigned to at any time. */
  readonly settings: SimulatorSettings;
  /** Moves the clock that widget URLs and propagation go by; real time goes on as well. */
  advance(ms: number): void;
  /** Faults wait in line: each call takes the oldest that fits. */
  failNext(fault: Fault, options?: FaultOptions): void;
  clearFaults(): void;
  /** Adds Users and Members. Throws where the shape is wrong, and where an id or a guid is taken. */
  seed(seed: Seed): void;
  /** As MX does on its own: the User and the Members go, on both APIs. */
  deleteUser(id: string): void;
  /** Runs `hook` once, just before the next such call is applied; a second hook waits for the call after that. */
  before(operation: Operation, hook: () => void | Promise<void>): void;
};

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = "127.0.0.1", latencyMs = 0, propagationMs = 0, now = Date.now } = options;
  const credentials = { ...DEMO_CREDENTIALS, ...options.credentials };

  const clock = createClock(now);
  const state = createState(clock);
  if (options.seed !== undefined) applySeed(state, options.seed);
  const settings = createSettings({ latencyMs, propagationMs });
  const calls = createCallLog();
  const faults = createFaultPlan();
  const hooks = createHookList();
  const stop = new AbortController();
  const serve = createServe({ calls, faults, hooks, settings, stopped: stop.signal });

  await using started = new AsyncDisposableStack();
  const listen = async (router: Router, port = 0) =>
    started.use(await startListener(createApp(router), { host, port }));

  const control = createControl({ state, calls, faults, settings, clock });
  const widgetRoutes = createWidgets(state).use("/_simulator", control);
  const widgets = await listen(widgetRoutes, options.widgetPort);

  const shared = {
    credentials,
    state,
    settings,
    clock,
    serve,
    widgetOrigin: options.widgetOrigin ?? widgets.url,
  };
  const platform = await listen(createPlatformApi(shared), options.platformPort);
  const sso = await listen(createSsoApiV2(shared), options.ssoPort);
  const ssoV3 = await listen(createSsoApiV3(shared), options.ssoV3Port);
  const mdx = await listen(createMdxApi(shared), options.mdxPort);
  const listeners = started.move();

  return {
    platformUrl: platform.url,
    ssoUrl: sso.url,
    ssoV3Url: ssoV3.url,
    mdxUrl: mdx.url,
    widgetUrl: widgets.url,
    controlUrl: `${widgets.url}/_simulator`,
    credentials,
    calls,
    state,
    settings,
    advance: clock.advance,
    failNext: faults.add,
    clearFaults: faults.clear,
    seed: (seed) => applySeed(state, seed),
    deleteUser(id) {
      const user = state.findUser(id);
      if (user) state.deleteUser(user);
    },
    before: hooks.add,
    async [Symbol.asyncDispose]() {
      await listeners.disposeAsync();
      stop.abort(); // Not before: whoever still waits must not be answered early.
    },
  };
}

const DEMO_CREDENTIALS: SimulatorCredentials = {
  clientId: "demo-client",
  apiKey: "demo-api-key",
  ssoKey: "demo-sso-key",
  clientGuid: "CLT-00000000-0000-4000-8000-000000000000",
  mdApiKey: "demo-md-api-key",
  vendorClientId: "demo-vendor-client",
};

function createApp(router: Router): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  return app.use(router);
}
