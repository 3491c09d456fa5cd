/**
 * What the page's fault buttons do. One fault at a time; it stays until another is chosen.
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

export const FAULTS: Record<FaultName, DemoFault> = {
  slow: {
    label: "MX slow",
    says: "Each call to MX takes 1.5 seconds. The service waits, within its deadline of 8 seconds.",
    mx: () => ({ settings: { latencyMs: 1500 } }),
  },
  down: {
    label: "MX down",
    says: "MX answers 503. The service tries again, then says when to come back. After twenty such calls it leaves MX alone for some five seconds.",
    mx: () => ({ faults: { kind: "status", status: 503, ...always } }),
  },
  silent: {
    label: "MX silent",
    says: "MX takes the call and never answers. The service gives up after 8 seconds.",
    mx: () => ({ faults: { kind: "silence", ...always } }),
  },
  "key-refused": {
    label: "Key refused",
    says: "MX refuses the service's key. The Platform API says so at once; the SSO API stays silent, so that there the service gives up after 8 seconds.",
    mx: (apis) => ({
      faults:
        apis === "sso"
          ? { kind: "silence", ...always }
          : { kind: "status", status: 401, operation: "platform.request_widget_url", ...always },
    }),
  },
  "unusable-answer": {
    label: "Answer unusable",
    says: "Something between sends a web page instead of MX's JSON. Nothing of it is passed on.",
    mx: () => ({
      faults: { kind: "raw", body: "<p>Maintenance</p>", contentType: "text/html", ...always },
    }),
  },
  "url-expired": {
    label: "URL expired",
    says: "Ten minutes pass on MX's clock before the URL is opened. MX's page says so to the user, and nothing to this page.",
  },
  "login-expired": {
    label: "Login expired",
    says: "The token that the login hands out has expired an hour ago.",
  },
  "unusable-id": {
    label: "Unusable user id",
    says: "The user is called auth0|… at the login, which MX cannot take as it is.",
  },
  "no-referrer": {
    label: "Referrer hidden",
    says: "The page has the policy no-referrer, as Helmet sets it. MX's SDK hears nothing from the widget. embed.js sets a policy of its own on the frame.",
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

export function createSimulatorFaults(controlUrl: string, apis: Apis): SimulatorFaults {
  async function call(method: string, path: string, body?: object): Promise<void> {
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
