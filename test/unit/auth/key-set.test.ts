import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createLoader } from "../../../src/auth/key-set.ts";
import { keySetOf as setOf } from "../fakes.ts";

/** Names no server: only discovery asks it. */
const ISSUER = "https://login.invalid";

const loadFromUrl = (url: URL) => createLoader(ISSUER, { kind: "url", url });
const loadFromFile = (path: string) => createLoader(ISSUER, { kind: "file", path });
const loadByDiscovery = (issuer: string) =>
  createLoader(issuer, { kind: "discovery", httpHosts: [] });

type Pages = Record<string, string | RequestListener>;

/** An issuer's web server; it counts the visits to each path. */
async function serve(pages: Pages) {
  const visits: string[] = [];
  const accepts: (string | undefined)[] = [];
  const server = createServer((req, res) => {
    visits.push(req.url ?? "");
    accepts.push(req.headers.accept);
    const page = pages[req.url ?? ""];
    if (typeof page === "function") page(req, res);
    else if (page === undefined) res.writeHead(404).end();
    else res.setHeader("Content-Type", "application/json").end(page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    visits,
    accepts,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const KEYS = JSON.stringify(setOf("key-1"));
const [KEY] = setOf("key-1").keys;

/** What stands in key sets besides keys for signatures. */
const ODD_ENTRIES: [string, unknown][] = [
  ["null", null],
  ["a text", "key-1"],
  ["a number", 7],
  ["a list", [KEY]],
  ["an empty entry", {}],
  ["a key without kty", { ...KEY, kty: undefined }],
  ["a key of an unknown kind", { kty: "XYZ", kid: "key-1", x: "AA" }],
  ["a kty that is no text", { ...KEY, kty: 7 }],
  ["a symmetric key", { kty: "oct", k: "c2VjcmV0LXNlY3JldC1zZWNyZXQ", alg: "HS256", kid: "key-1" }],
  ["an unknown curve", { ...KEY, crv: "P-999" }],
  ["a point that is not on the curve", { ...KEY, x: KEY?.y }],
  ["a key without its numbers", { kty: "RSA", kid: "key-1" }],
  ["a short RSA key", { kty: "RSA", n: Buffer.alloc(128, 0xc1).toString("base64url"), e: "AQAB" }],
  ["a key for encryption", { ...KEY, use: "enc" }],
  ["a private key", { ...KEY, d: "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE" }],
];

/** Key sets that are none. */
const BAD_PAGES: [string, string | RequestListener][] = [
  ["HTML", "<html>Sign in</html>"],
  ["nothing", ""],
  ["JSON null", "null"],
  ["a list", "[]"],
  ["no keys", '{"keys":[]}'],
  ["keys that are no list", '{"keys":{"key-1":{}}}'],
  ["no key that can be used", JSON.stringify({ keys: ODD_ENTRIES.map(([, entry]) => entry) })],
  ["more than 256 kB", JSON.stringify({ ...setOf("key-1"), padding: "x".repeat(256 * 1024) })],
  ["500", (_req, res) => void res.writeHead(500).end(KEYS)],
  ["404", (_req, res) => void res.writeHead(404).end()],
  ["201", (_req, res) => void res.writeHead(201).end(KEYS)],
  ["a redirect", (_req, res) => void res.writeHead(302, { Location: "/elsewhere" }).end(KEYS)],
];

describe("keys from a URL", () => {
  it("are loaded", async () => {
    await using server = await serve({ "/keys?v=1": KEYS });
    expect(await loadFromUrl(new URL("/keys?v=1", server.origin))()).toEqual(setOf("key-1"));
    expect(server.accepts).toEqual(["application/json, application/jwk-set+json"]);
  });

  it("are those for signatures, said or unsaid", async () => {
    const keys = [{ ...KEY, use: "sig" }, { ...KEY, use: "enc" }, KEY];
    await using server = await serve({ "/keys": JSON.stringify({ keys }) });
    const loaded = await loadFromUrl(new URL("/keys", server.origin))();
    expect(loaded.keys.map(({ use }) => use)).toEqual(["sig", undefined]);
  });

  it.each(ODD_ENTRIES)("are the others beside %s", async (_what, entry) => {
    const [first, second] = setOf("a", "b").keys;
    await using server = await serve({ "/keys": JSON.stringify({ keys: [first, entry, second] }) });
    expect(await loadFromUrl(new URL("/keys", server.origin))()).toEqual(setOf("a", "b"));
  });

  it("are the first hundred that can be used", async () => {
    const kids = Array.from({ length: 120 }, (_, index) => `key-${index}`);
    const keys = setOf(...kids).keys.flatMap((key) => [key, null]);
    await using server = await serve({ "/keys": JSON.stringify({ keys }) });
    expect(await loadFromUrl(new URL("/keys", server.origin))()).toEqual(
      setOf(...kids.slice(0, 100)),
    );
  });

  it.each(BAD_PAGES)("are refused where the answer is %s", async (_what, page) => {
    await using server = await serve({ "/keys": page, "/elsewhere": KEYS });
    await expect(loadFromUrl(new URL("/keys", server.origin))()).rejects.toThrow();
    expect(server.visits).toEqual(["/keys"]);
  });

  it("are reported as unusable where none of them can be used", async () => {
    await using server = await serve({ "/keys": '{"keys":[]}' });
    const load = loadFromUrl(new URL("/keys", server.origin));
    await expect(load()).rejects.toMatchObject({ reason: "no_usable_key" });
  });

  it("are given up where nobody answers", async () => {
    const server = await serve({});
    await server[Symbol.asyncDispose]();
    await expect(loadFromUrl(new URL("/keys", server.origin))()).rejects.toThrow();
  });
});

describe("keys by discovery", () => {
  const DOCUMENT = "/.well-known/openid-configuration";

  /** An issuer whose document says what `fields` says, besides the truth. */
  async function provider(fields: Record<string, unknown> = {}, path = "") {
    const pages: Pages = { "/keys": KEYS };
    const server = await serve(pages);
    const issuer = `${server.origin}${path}`;
    pages[`${path.replace(/\/$/, "")}${DOCUMENT}`] = JSON.stringify({
      issuer,
      jwks_uri: `${server.origin}/keys`,
      ...fields,
    });
    return Object.assign(server, { issuer, pages });
  }

  it.each(["", "/", "/tenant/a", "/tenant/a/"])("are found below the issuer %j", async (path) => {
    await using server = await provider({}, path);
    expect(await loadByDiscovery(server.issuer)()).toEqual(setOf("key-1"));
    expect(server.visits).toEqual([`${path.replace(/\/$/, "")}${DOCUMENT}`, "/keys"]);
  });

  it.each([
    ["another issuer", { issuer: "https://evil.example" }],
    ["the issuer in another spelling", { issuer: "http://LOCALHOST" }],
    ["no issuer", { issuer: undefined }],
    ["no keys", { jwks_uri: undefined }],
    ["keys that are no URL", { jwks_uri: "/keys" }],
    ["keys in a file", { jwks_uri: "file:///etc/passwd" }],
    ["keys in themselves", { jwks_uri: `data:application/json,${encodeURIComponent(KEYS)}` }],
  ])("are refused where the document names %s", async (_what, fields) => {
    await using server = await provider(fields);
    await expect(loadByDiscovery(server.issuer)()).rejects.toThrow();
    expect(server.visits).toEqual([DOCUMENT]);
  });

  it.each([
    "https://169.254.169.254/keys",
    "https://2852039166/keys",
    "https://[fe80::1]/keys",
    "https://metadata.google.internal/keys",
    "https://user:password@127.0.0.1:1/keys",
    "https://127.0.0.1:1/keys#fragment",
    "http://login.example.com/keys",
  ])("are refused where the document leads to %s, which no configuration may", async (jwks_uri) => {
    await using server = await provider({ jwks_uri });
    await expect(loadByDiscovery(server.issuer)()).rejects.toMatchObject({
      code: "auth_unavailable",
      reason: "unsafe_keys_url",
    });
  });

  it("are refused where the document names the issuer with a slash more", async () => {
    await using server = await provider();
    await expect(loadByDiscovery(`${server.issuer}/`)()).rejects.toMatchObject({
      reason: "wrong_issuer",
    });
    expect(server.visits).toEqual([DOCUMENT]);
  });

  it("are refused where the document is a redirect", async () => {
    await using server = await provider();
    server.pages[DOCUMENT] = (_req, res) => void res.writeHead(302, { Location: "/other" }).end();
    server.pages["/other"] = JSON.stringify({
      issuer: server.issuer,
      jwks_uri: `${server.issuer}/keys`,
    });
    await expect(loadByDiscovery(server.issuer)()).rejects.toThrow();
    expect(server.visits).toEqual([DOCUMENT]);
  });

  it("can be elsewhere, under https", async () => {
    await using server = await provider({ jwks_uri: "https://127.0.0.1:1/keys" });
    await expect(loadByDiscovery(server.issuer)()).rejects.toThrow("econnrefused");
  });
});

describe("keys from a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "jwks-"));
  const path = join(folder, "keys.json");
  afterAll(() => rmSync(folder, { recursive: true }));

  it("are read anew each time, so that they can be replaced", async () => {
    const load = loadFromFile(path);
    writeFileSync(path, KEYS);
    expect(await load()).toEqual(setOf("key-1"));
    writeFileSync(path, JSON.stringify(setOf("key-2")));
    expect(await load()).toEqual(setOf("key-2"));
    writeFileSync(path, `\ufeff${KEYS}\n`); // As an editor may save it.
    expect(await load()).toEqual(setOf("key-1"));
  });

  it.each([
    ["no JSON", "keys"],
    ["no keys", '{"keys":[]}'],
  ])("are refused where the file has %s", async (_what, content) => {
    writeFileSync(path, content);
    await expect(loadFromFile(path)()).rejects.toThrow();
  });

  it("are refused where there is no file", async () => {
    await expect(loadFromFile(join(folder, "missing.json"))()).rejects.toThrow();
  });
});
