/** A file that differs from what the process uses is noticed: by a metric, in the log, and with what to do. */

import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startService } from "../../src/app/service.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { SECRETS } from "../support/canaries.ts";
import { type Clock, letTimePass, stopClock } from "../support/clock.ts";
import { scrape } from "../support/metrics.ts";
import { lookAtFiles, mountVolume } from "../support/secret-volume.ts";
import { type Started, start } from "../support/start.ts";

const OTHER = "another-secret-of-more-than-32-characters-0123456789";

const told = ({ log }: Pick<Started, "log">) =>
  log
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter(({ msg }) => msg === "file")
    .map((line) => ({ event: line["event.name"], variable: line.variable, hint: line.hint }));

const changedFiles = async (service: Started, variable: string) =>
  (await scrape(service.operationsUrl)).value("bff_files_changed", { variable });

let clock: Clock;
beforeEach(() => {
  clock = stopClock();
});
afterEach(() => clock[Symbol.dispose]());

const look = () => lookAtFiles(clock);

describe("a secret in a file", () => {
  it("that was rotated in place is reported once, and not used", async () => {
    using volume = mountVolume({ key: SECRETS.apiKey });
    const variable = "MX_PLATFORM_API_KEY_FILE";
    const environment = { MX_PLATFORM_API_KEY: "", [variable]: volume.path("key") };
    await using service = await start({ environment });
    expect(await changedFiles(service, variable)).toBe(0);

    volume.write("key", OTHER);
    await look();
    expect(told(service)).toEqual([
      { event: "file.changed", variable, hint: expect.stringContaining("Restart the replicas") },
    ]);
    await look();
    expect(await changedFiles(service, variable)).toBe(1);
    expect((await service.post("ada")).status).toBe(200); // With the key from before.

    volume.write("key", `${SECRETS.apiKey}\n`);
    await look();
    expect(told(service).at(-1)?.event).toBe("file.restored");
    expect(told(service)).toHaveLength(2);
    expect(await changedFiles(service, variable)).toBe(0);
  });

  it.each(["\n", "\r\n\n"])("with other line breaks at its end (%j) is the same", async (end) => {
    using volume = mountVolume({ key: SECRETS.apiKey });
    const path = volume.path("key");
    const environment = { MX_PLATFORM_API_KEY: "", MX_PLATFORM_API_KEY_FILE: path };
    await using service = await start({ environment });

    volume.write("key", SECRETS.apiKey + end);
    await look();
    volume.swap({});
    await look();

    expect(told(service).length).toBe(1); // Only that it is gone.
  });

  it.each([
    ["USER_ID_SECRET_FILE", { USER_ID_MODE: "hmac" }, "platform"],
    ["MEMBER_USERKEY_SECRET_FILE", { MEMBER_USERKEY_SECRET: "" }, "sso"],
  ] as const)("that names users is never taken over: %s", async (variable, others, apis) => {
    using volume = mountVolume({ secret: SECRETS.instanceSecret.toUpperCase() });
    const environment = { ...others, [variable]: volume.path("secret") };
    await using service = await start({ apis, environment });
    await service.post("ada");
    const users = service.mx.state.users.size;

    volume.swap({ secret: OTHER });
    await look();
    expect(told(service)).toEqual([
      { event: "file.changed", variable, hint: expect.stringContaining("Put the old value back") },
    ]);
    await service.post("ada");

    expect(service.mx.state.users.size).toBe(users);
  });
});

describe("AUTH_JWKS_FILE", () => {
  it("is used anew without a restart, and stays as it was while it is bad", async () => {
    const jwkOf = () =>
      generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
    using volume = mountVolume({ keys: JSON.stringify({ keys: [jwkOf()] }) });
    const environment = { AUTH_JWKS_FILE: volume.path("keys") };
    await using service = await start({ environment });
    expect((await service.post("ada")).status).toBe(401);

    volume.write("keys", "{}");
    await look();
    expect(told(service).map(({ event }) => event)).toEqual(["file.changed"]);

    volume.write("keys", await (await fetch(service.issuer.jwksUrl)).text());
    await look();
    expect(told(service).at(-1)?.event).toBe("file.taken_over");
    expect((await service.post("ada")).status).toBe(200);
  });
});

describe("TENANTS_FILE", () => {
  it("and the secrets of its tenants are watched", async () => {
    const tenant = (name: string, path: string) => ({
      name,
      AUTH_ISSUER: `http://127.0.0.1:9/${name}`,
      AUTH_AUDIENCE: "a",
      MX_PLATFORM_CLIENT_ID: name,
      MX_PLATFORM_API_KEY_FILE: path,
    });
    using keys = mountVolume({ a: "key-of-tenant-a", b: "key-of-tenant-b" });
    using volume = mountVolume({
      tenants: JSON.stringify({ tenants: ["a", "b"].map((name) => tenant(name, keys.path(name))) }),
    });
    const log: string[] = [];
    const logger = createLogger("info", { write: (line) => void log.push(line) });
    const ports = { HOST: "127.0.0.1", PORT: "0", OPERATIONS_PORT: "0", DRAIN_DELAY: "0s" };
    const config = loadConfig({ ...ports, TENANTS_FILE: volume.path("tenants") });
    const service = await startService(config, logger);
    await using _end = {
      [Symbol.asyncDispose]: () => letTimePass(service[Symbol.asyncDispose]()),
    };

    volume.write("tenants", '{"tenants":[]}');
    keys.write("b", OTHER);
    await look();
    expect(told({ log })).toHaveLength(2);

    const line = log.find((each) => each.includes("MX_PLATFORM_API_KEY_FILE")) ?? "{}";
    expect(JSON.parse(line)).toMatchObject({ tenant: "b" });
    const { value } = await scrape(service.operationsUrl.origin);
    expect(value("bff_files_changed", { variable: "MX_PLATFORM_API_KEY_FILE" })).toBe(1);
  });
});
