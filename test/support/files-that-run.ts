/**
 * Which files of src/ have a function that runs while the service answers one warm request of a known user, as V8 counts.
 *
 * A program of its own, since a test's runner would count too: `node files-that-run.ts platform`, or `both`. Prints JSON.
 */

import { Session } from "node:inspector/promises";
import { startIdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import { startService } from "../../src/app/service.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createLogDestination } from "../../src/telemetry/log-destination.ts";
import { createLogger } from "../../src/telemetry/logger.ts";

const SOURCES = new URL("../../src/", import.meta.url).href;

await using mx = await startSimulator();
await using issuer = await startIdentityProvider();
const { clientId, apiKey, ssoKey, clientGuid } = mx.credentials;
const config = loadConfig({
  HOST: "127.0.0.1",
  PORT: "0",
  OPERATIONS_PORT: "0",
  DRAIN_DELAY: "0s",
  AUTH_ISSUER: issuer.issuer,
  AUTH_AUDIENCE: "mx-session-bff",
  MX_PLATFORM_BASE_URL: mx.platformUrl,
  MX_PLATFORM_CLIENT_ID: clientId,
  MX_PLATFORM_API_KEY: apiKey,
  ...(process.argv[2] === "both" && {
    MX_SSO_BASE_URL: mx.ssoUrl,
    MX_SSO_API_KEY: ssoKey,
    MX_SSO_CLIENT_GUID: clientGuid,
    MEMBER_CREDENTIALS: "derived",
    MEMBER_USERKEY_SECRET: "0123456789abcdefghijklmnopqrstuvwxyz",
  }),
});
await using service = await startService(config, createLogger("info", createLogDestination(2)));
const [user = ""] = Object.keys(issuer.users);

async function openSession(): Promise<void> {
  const authorization = `Bearer ${await issuer.issueToken(user)}`;
  const body = '{"widget_url":{"widget_type":"connect_widget"}}';
  const headers = { authorization, "content-type": "application/json" };
  const response = await fetch(new URL("/session", service.url), { method: "POST", headers, body });
  if (response.status !== 200) throw new Error(await response.text());
}

for (let count = 0; count < 5; count += 1) await openSession(); // The user is known, the connections are warm.
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
await openSession();
const { result } = await session.post("Profiler.takePreciseCoverage");
session.disconnect();

const files = result
  .filter(({ url }) => url.startsWith(SOURCES))
  .filter(({ functions }) => functions.some(({ ranges }) => ranges.some(({ count }) => count > 0)))
  .map(({ url }) => url.slice(SOURCES.length));
process.stdout.write(JSON.stringify(files.toSorted()));
