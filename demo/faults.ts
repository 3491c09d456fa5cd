/**
 * What the page's fault buttons do. One fault at a time; fault-lease.ts ends it with the page.
 *
 * Faults of MX are set at the simulator's control API (simulator/control.ts). The others concern the login, or are the
 * page's own: it makes them happen itself.
 */

import type { Apis } from "./environment.ts";

export type FaultName =
  | "slow"
  | "down"
  | "silent"
  | "key-refused"
  | "unusable-answer"
  | "url-expired"
  | "login-expired"
  | "unusable-id"
  | "no-referrer";

export type DemoFault = {
  label: string;
  /** What it does, and what to look for. */
  says: string;
  /** Bodies for the control API. */
  mx?: (apis: Apis) => { faults?: object; settings?: object };
};

const always = { times: "always" };

/** How MX says that it refuses a key. */
const REFUSALS: Record<Apis, object> = {
  platform: { kind: "status", status: 401, operation: "platform.request_widget_url" },
  both: { kind: "status", status: 401, operation: "platform.request_widget_url" },
  sso: { kind: "silence" },
  v3: { kind: "status", status: 401, operation: "sso_v3.request_widget_url" },
};

export const FAULTS: Record<FaultName, DemoFault> = {
  slow: {
    label: "MX slow",
    says: "Each call to MX takes 1.5 seconds. The service waits, within its deadline of 8 seconds.",
    mx: () => ({ settings: { latencyMs: 1500 } }),
  },
  down: {
    label: "MX down",
    says: "MX answers 503. The service retries, then tells the caller when to try again. After 20 failed calls it stops calling MX for about 5 seconds.",
    mx: () => ({ faults: { kind: "status", status: 503, ...always } }),
  },
  silent: {
    label: "MX silent",
    says: "MX accepts the call and never answers. The service gives up after 8 seconds.",
    mx: () => ({ faults: { kind: "silence", ...always } }),
  },
  "key-refused": {
    label: "Key refused",
    says: "MX refuses the service's key. The Platform API and SSO API v3 answer 401 at once. SSO API v2 never answers, so there the service gives up after 8 seconds.",
    mx: (apis) => ({ faults: { ...REFUSALS[apis], ...always } }),
  },
  "unusable-answer": {
    label: "Unusable answer",
    says: "A proxy answers with a web page instead of MX's JSON. The service passes no part of it on.",
    mx: () => ({
      faults: { kind: "raw", body: "<p>Maintenance</p>", contentType: "text/html", ...always },
    }),
  },
  "url-expired": {
    label: "URL expired",
    says: "Ten minutes pass on MX's clock before the URL is opened. MX's page tells the user, but sends this page no message.",
  },
  "login-expired": {
    label: "Expired login",
    says: "The login's token expired an hour ago.",
  },
  "unusable-id": {
    label: "Unusable user id",
    says: "In the login, the user's id is auth0|…, which is not a valid MX user id.",
  },
  "no-referrer": {
    label: "Hidden referrer",
    says: "The page has Helmet's default, Referrer-Policy: no-referrer. MX's SDK then gets no messages from the widget. embed.js works, because it sets a policy on the frame.",
  },
};

export function isFault(value: unknown): value is FaultName {
  return typeof value === "string" && Object.hasOwn(FAULTS, value);
}

export type SimulatorFaults = {
  /** `undefined`: everything works again. Rejects when the simulator does not answer. */
  set(name: FaultName | undefined): Promise<void>;
  /** Lets the time pass in which a widget URL expires. */
  expireUrls(): Promise<void>;
};

/** Those of the login and of the page, which need no simulator. */
export function needsSimulator(name: FaultName): boolean {
  return name === "url-expired" || FAULTS[name].mx !== undefined;
}

/** Without a simulator there is nothing to set. */
export function createSimulatorFaults(controlUrl: string | undefined, apis: Apis): SimulatorFaults {
  async function call(method: string, path: string, body?: object): Promise<void> {
    if (controlUrl === undefined) return;
    const response = await fetch(`${controlUrl}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    if (!response.ok) throw new Error(`The simulator answers ${response.status} to ${path}.`);
  }

  return {
    async set(name) {
      const { faults, settings } = (name && FAULTS[name].mx?.(apis)) ?? {};
      await call("DELETE", "/faults");
      await call("POST", "/settings", { latencyMs: 0, ...settings });
      if (faults) await call("POST", "/faults", faults);
    },
    expireUrls: () => call("POST", "/clock", { advanceMs: 600_000 }),
  };
}
