/**
 * Unsafe configurations, each given to a real process: it does not start, says which variable, and shows no value.
 *
 * What is wrong with each value, in all variants, is in test/unit/config.test.ts.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { runProgram, startServiceProcess } from "../support/program.ts";

const STRONG = "kP3vX9qLm2RtY7wZb5NcJ8dFh4GsA6uE";

const PLATFORM = {
  AUTH_ISSUER: "https://login.bank.example",
  AUTH_AUDIENCE: "mx-session-bff",
  MX_PLATFORM_CLIENT_ID: "client-1",
  MX_PLATFORM_API_KEY: "platform-key-4711",
};
const SSO = {
  MX_SSO_CLIENT_GUID: "CLT-4711",
  MX_SSO_API_KEY: "sso-key-4711",
  MEMBER_CREDENTIALS: "derived",
  MEMBER_USERKEY_SECRET: STRONG,
};
const LOOKUP = {
  ...SSO,
  MEMBER_CREDENTIALS: "lookup",
  MEMBER_USERKEY_SECRET: "",
  MEMBER_LOOKUP_URL: "https://bank.example/keys",
  MEMBER_LOOKUP_TOKEN: "lookup-token-4711",
};

type Row = [what: string, variables: Record<string, string>, named: string, flags?: string[]];

const folder = mkdtempSync(join(tmpdir(), "refusals-"));
const emptyFile = join(folder, "empty");
const privateKeys = join(folder, "private-keys.json");
writeFileSync(emptyFile, "");
writeFileSync(privateKeys, JSON.stringify({ keys: [{ kty: "EC", crv: "P-256", d: "canary-d" }] }));

const ROWS: readonly Row[] = [
  // Missing.
  ["no issuer", { AUTH_ISSUER: "" }, "AUTH_ISSUER"],
  ["no audience", { AUTH_AUDIENCE: "" }, "AUTH_AUDIENCE"],
  ["no key", { MX_PLATFORM_API_KEY: "" }, "MX_PLATFORM_API_KEY"],
  ["no secret for user ids", { USER_ID_MODE: "hmac" }, "USER_ID_SECRET"],
  ["no Member credentials", { ...SSO, MEMBER_CREDENTIALS: "none" }, "MEMBER_CREDENTIALS"],
  ["no lookup token", { ...LOOKUP, MEMBER_LOOKUP_TOKEN: "" }, "MEMBER_LOOKUP_TOKEN"],
  // Secrets.
  ["a short secret", { USER_ID_MODE: "hmac", USER_ID_SECRET: "tooshort" }, "USER_ID_SECRET"],
  [
    "a secret of one character",
    { USER_ID_MODE: "hmac", USER_ID_SECRET: "a".repeat(40) },
    "USER_ID_SECRET",
  ],
  [
    "a secret that repeats itself",
    { ...SSO, MEMBER_USERKEY_SECRET: "hunter2000".repeat(4) },
    "MEMBER_USERKEY_SECRET",
  ],
  [
    "one secret for two things",
    { ...SSO, USER_ID_MODE: "hmac", USER_ID_SECRET: STRONG },
    "MEMBER_USERKEY_SECRET",
  ],
  ["a placeholder for a key", { MX_PLATFORM_API_KEY: "<your-api-key>" }, "MX_PLATFORM_API_KEY"],
  ["a guessable token", { ...LOOKUP, MEMBER_LOOKUP_TOKEN: "zzzz" }, "MEMBER_LOOKUP_TOKEN"],
  ["a key with a line break", { MX_PLATFORM_API_KEY: "key-a\nkey-b" }, "MX_PLATFORM_API_KEY"],
  [
    "a secret twice",
    { MX_PLATFORM_API_KEY_FILE: "/run/secrets/platform" },
    "MX_PLATFORM_API_KEY_FILE",
  ],
  [
    "a secret in an empty file",
    { MX_PLATFORM_API_KEY: "", MX_PLATFORM_API_KEY_FILE: emptyFile },
    "MX_PLATFORM_API_KEY_FILE",
  ],
  [
    "a secret in a file that is not there",
    { MX_PLATFORM_API_KEY: "", MX_PLATFORM_API_KEY_FILE: "/nowhere/platform" },
    "MX_PLATFORM_API_KEY_FILE",
  ],
  // Transport.
  ["TLS checks off", { NODE_TLS_REJECT_UNAUTHORIZED: "0" }, "NODE_TLS_REJECT_UNAUTHORIZED"],
  ["MX by plain http", { MX_PLATFORM_BASE_URL: "http://api.mx.com" }, "MX_PLATFORM_BASE_URL"],
  [
    "credentials in a URL",
    { MX_PLATFORM_BASE_URL: "https://hunter2@api.mx.com" },
    "MX_PLATFORM_BASE_URL",
  ],
  ["keys by plain http", { AUTH_JWKS_URL: "http://login.bank.example/keys" }, "AUTH_JWKS_URL"],
  ["an issuer by plain http", { AUTH_ISSUER: "http://login.bank.example" }, "AUTH_ISSUER"],
  ["keys at cloud metadata", { AUTH_JWKS_URL: "https://169.254.169.254/keys" }, "AUTH_JWKS_URL"],
  ["MX at cloud metadata", { MX_PLATFORM_BASE_URL: "https://metadata" }, "MX_PLATFORM_BASE_URL"],
  [
    "a lookup by plain http",
    { ...LOOKUP, MEMBER_LOOKUP_URL: "http://bank.example/keys" },
    "MEMBER_LOOKUP_URL",
  ],
  ["a way out by SOCKS", { HTTPS_PROXY: "socks5://ada:hunter2@proxy.example" }, "HTTPS_PROXY"],
  ["Redis by http", { REDIS_URL: "http://:hunter2@redis.example" }, "REDIS_URL"],
  [
    "production keys for MX's integration",
    { MX_ENVIRONMENT: "production", MX_PLATFORM_BASE_URL: "https://int-api.mx.com" },
    "MX_PLATFORM_BASE_URL",
  ],
  [
    "production keys for this machine",
    { MX_ENVIRONMENT: "production", MX_PLATFORM_BASE_URL: "http://127.0.0.1:3001" },
    "MX_PLATFORM_BASE_URL",
  ],
  // Tokens.
  ["HS256", { AUTH_ALGORITHMS: "HS256" }, "AUTH_ALGORITHMS"],
  ["no signature", { AUTH_ALGORITHMS: "none" }, "AUTH_ALGORITHMS"],
  ["private keys beside the public ones", { AUTH_JWKS_FILE: privateKeys }, "AUTH_JWKS_FILE"],
  // Whom to believe, and where to send people.
  ["any origin", { CORS_ORIGINS: "*" }, "CORS_ORIGINS"],
  ["the origin null", { CORS_ORIGINS: "null" }, "CORS_ORIGINS"],
  ["any origin of a domain", { CORS_ORIGINS: "https://*.bank.example" }, "CORS_ORIGINS"],
  ["a page by plain http", { CORS_ORIGINS: "http://app.bank.example" }, "CORS_ORIGINS"],
  ["all proxies", { TRUSTED_PROXIES: "true" }, "TRUSTED_PROXIES"],
  ["all addresses", { TRUSTED_PROXIES: "0.0.0.0/0" }, "TRUSTED_PROXIES"],
  ["all addresses in halves", { TRUSTED_PROXIES: "0.0.0.0/1,128.0.0.0/1" }, "TRUSTED_PROXIES"],
  [
    "a redirect to any page",
    { CLIENT_REDIRECT_URLS: "https://app.bank.example/*" },
    "CLIENT_REDIRECT_URLS",
  ],
  [
    "a redirect to a script",
    { CLIENT_REDIRECT_URLS: "javascript:alert(1)" },
    "CLIENT_REDIRECT_URLS",
  ],
  ["a web scheme for apps", { WEBVIEW_SCHEMES: "mx,https" }, "WEBVIEW_SCHEMES"],
  ["a client with a key in it", { ...SSO, MX_SSO_CLIENT_GUID: "CLT-1&k=x" }, "MX_SSO_CLIENT_GUID"],
  ["health on the public port", { OPERATIONS_PORT: "{port}" }, "OPERATIONS_PORT"],
  ["no end to a request", { REQUEST_DEADLINE: "3600s" }, "REQUEST_DEADLINE"],
  ["a user for everybody", { WIDGET_FORCED: '{"user_guid":"USR-4711"}' }, "WIDGET_FORCED"],
  // Node itself.
  ["requests on stderr", { NODE_DEBUG: "http,undici" }, "NODE_DEBUG"],
  ["packages that talk", { DEBUG: "ioredis:*" }, "DEBUG"],
  ["a loose parser", { NODE_OPTIONS: "--insecure-http-parser" }, "NODE_OPTIONS"],
  ["a loose parser by flag", {}, "A flag of node", ["--insecure-http-parser"]],
];

type Outcome = {
  code: number | null;
  ms: number;
  limitMs: number;
  stdout: string;
  output: string;
};

/** Loopback, and a port that nothing listens at. */
async function run(
  port: number,
  variables: Record<string, string>,
  flags: string[] = [],
): Promise<Outcome> {
  const own = Object.entries(variables).map(([name, value]) => [
    name,
    value.replace("{port}", String(port)),
  ]);
  const environment = {
    HOST: "127.0.0.1",
    PORT: String(port),
    OPERATIONS_PORT: "0",
    ...PLATFORM,
    ...Object.fromEntries(own),
  };
  const startedAt = performance.now();
  const { code, stdout, stderr } = await runProgram({
    environment,
    flags: ["--disable-proto=delete", ...flags],
  });
  const ms = performance.now() - startedAt;
  return { code, ms, limitMs: LIMIT_MS, stdout, output: stdout + stderr };
}

/** Other processes of the machine can only make it slower, so the best of three counts. */
async function runUntilQuick(port: number, [, variables, , flags]: Row): Promise<Outcome> {
  let best = await run(port, variables, flags);
  for (let again = 0; again < 2 && best.ms > best.limitMs; again += 1) {
    const limitMs = Math.max(LIMIT_MS, 10 * (await timeOfEmptyProcess()));
    const next = await run(port, variables, flags);
    best = { ...(next.ms < best.ms ? next : best), limitMs };
  }
  return best;
}

/** On a machine that nobody else uses a start takes seven times as long as this. */
async function timeOfEmptyProcess(): Promise<number> {
  const startedAt = performance.now();
  await once(spawn(process.execPath, ["--eval", "0"], { stdio: "ignore" }), "exit");
  return performance.now() - startedAt;
}

const LIMIT_MS = 2000;
const AT_ONCE = 2;

describe("an unsafe configuration", () => {
  const outcomes = new Map<Row, Outcome>();
  let port = 0;

  beforeAll(async () => {
    port = await freePort();
    const waiting = [...ROWS];
    const work = async () => {
      for (let row = waiting.shift(); row; row = waiting.shift())
        outcomes.set(row, await runUntilQuick(port, row));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }, 90_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  it("is found in a table of more than 40", () => {
    expect(ROWS.length).toBeGreaterThan(40);
  });

  it.each(ROWS.map((row) => [row[0], row] as const))(
    "with %s is refused at once, by name and without its value",
    (_what, row) => {
      const [, variables, named] = row;
      const outcome = outcomes.get(row);
      expect(outcome).toMatchObject({ code: 1, stdout: "" });
      expect(outcome?.output).toMatch(new RegExp(`^ {2}${named} `, "m"));
      expect(outcome?.output).toContain("The configuration has 1 error:");
      expect(outcome?.ms).toBeLessThan(outcome?.limitMs ?? LIMIT_MS);
      for (const value of valuesOf({ ...PLATFORM, ...variables }))
        expect(outcome?.output).not.toContain(value);
    },
  );

  it("is what those above have in common: without it the same process starts", async () => {
    await using service = await startServiceProcess({
      HOST: "127.0.0.1",
      PORT: "0",
      OPERATIONS_PORT: "0",
      DRAIN_DELAY: "0s",
      ...PLATFORM,
      ...SSO,
      AUTH_ISSUER: "http://127.0.0.1:9",
    });
    service.signal("SIGTERM");
    expect(await service.exited).toBe(0);
  });
});

/** Values that no message has a word in common with, and the parts of URLs and lists. */
function valuesOf(variables: Record<string, string>): string[] {
  const words = new Set(["none", "true", "hmac", "derived", "lookup", "production", "null"]);
  return Object.values(variables)
    .flatMap((value) => [value, ...value.split(/[\s,@"]+/)])
    .filter((value) => value.length > 3 && !words.has(value));
}
