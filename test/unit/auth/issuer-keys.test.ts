import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createIssuerKeys,
  loadByDiscovery,
  loadFromFile,
  loadFromUrl,
} from "../../../src/auth/issuer-keys.ts";
import { settle } from "../fakes.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A public key of RFC 7517, appendix A.1, under a name of our own. */
function keyOf(kid: string) {
  return {
    kty: "EC",
    crv: "P-256",
    x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    alg: "ES256",
    kid,
  };
}

const setOf = (...kids: string[]): JSONWebKeySet => ({ keys: kids.map(keyOf) });

/** Whether the keys have one of this name. */
async function knows(keys: JWTVerifyGetKey | undefined, kid: string): Promise<boolean> {
  if (!keys) return false;
  const found = Promise.resolve(keys({ alg: "ES256", kid }, { payload: "", signature: "" }));
  return found.then(
    () => true,
    () => false,
  );
}

describe("an issuer's keys", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  type IssuerState = { published: string | undefined; takesMs: number; loads: number };

  /** An issuer that answers with `published`, or fails where there is nothing. */
  function issuer() {
    const state: IssuerState = { published: "key-1", takesMs: 0, loads: 0 };
    const load = async () => {
      state.loads += 1;
      if (state.takesMs > 0) await new Promise((resolve) => setTimeout(resolve, state.takesMs));
      if (state.published === undefined) throw new Error("the issuer is down");
      return setOf(state.published);
    };
    return { state, load };
  }

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  it("are loaded at start, once, however many wait for them", async () => {
    const { state, load } = issuer();
    state.takesMs = 500;
    using keys = createIssuerKeys({ load });
    const waiting = Array.from({ length: 10 }, () => keys.current());
    await pass(500);
    for (const current of await Promise.all(waiting))
      expect(await knows(current, "key-1")).toBe(true);
    expect(state.loads).toBe(1);
  });

  it("cost nothing once they are there", async () => {
    const { state, load } = issuer();
    using keys = createIssuerKeys({ load });
    await pass(1);
    for (let request = 0; request < 100; request += 1) await keys.current();
    expect(state.loads).toBe(1);
  });

  it("are refreshed every ten minutes, without anybody waiting", async () => {
    const { state, load } = issuer();
    using keys = createIssuerKeys({ load });
    await pass(1);
    state.published = "key-2";
    await pass(10 * MINUTE - 2);
    expect(await knows(await keys.current(), "key-2")).toBe(false);
    await pass(2);
    expect(await knows(await keys.current(), "key-2")).toBe(true);
    expect(state.loads).toBe(2);
  });

  it("are no longer refreshed after disposal", async () => {
    const { state, load } = issuer();
    createIssuerKeys({ load })[Symbol.dispose]();
    await pass(HOUR);
    expect(state.loads).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  describe("when the issuer is down", () => {
    it("stay good for 24 hours after they were loaded, and no longer", async () => {
      const { state, load } = issuer();
      using keys = createIssuerKeys({ load });
      await pass(1);
      state.published = undefined;
      await pass(24 * HOUR - 1 * SECOND);
      expect(await knows(await keys.current(), "key-1")).toBe(true);
      await pass(2 * SECOND);
      await expect(keys.current()).rejects.toMatchObject({
        code: "auth_unavailable",
        retryAfterSeconds: 5,
        reason: "no_keys",
      });
    });

    it("are asked for again every 5 s, and not sooner", async () => {
      const { state, load } = issuer();
      using _keys = createIssuerKeys({ load });
      await pass(1);
      state.published = undefined;
      await pass(10 * MINUTE - 1);
      const before = state.loads;
      await pass(4999);
      expect(state.loads).toBe(before);
      await pass(1);
      expect(state.loads).toBe(before + 1);
      await pass(50 * SECOND);
      expect(state.loads).toBe(before + 11);
    });

    it("come back within 5 s after it", async () => {
      const { state, load } = issuer();
      state.published = undefined;
      using keys = createIssuerKeys({ load });
      await pass(1 * MINUTE);
      state.published = "key-1";
      await pass(5 * SECOND);
      expect(await knows(await keys.current(), "key-1")).toBe(true);
    });

    it("are out of reach at once for those who come within 5 s of a failure", async () => {
      const { state, load } = issuer();
      state.published = undefined;
      using keys = createIssuerKeys({ load });
      await expect(keys.current()).rejects.toMatchObject({ code: "auth_unavailable" });
      for (let request = 0; request < 100; request += 1)
        await expect(keys.current()).rejects.toMatchObject({ code: "auth_unavailable" });
      expect(state.loads).toBe(1);
    });

    it.each([
      ["nothing", undefined],
      ["no keys", { keys: "none" }],
      ["null", null],
    ])("and answers with %s, that counts as a failure", async (_what, answer) => {
      let published: unknown = setOf("key-1");
      using keys = createIssuerKeys({ load: async () => published as JSONWebKeySet });
      await pass(1);
      published = answer;
      await pass(10 * MINUTE);
      expect(await knows(await keys.current(), "key-1")).toBe(true);
    });

    it("and throws at once, nothing is left unhandled", async () => {
      using keys = createIssuerKeys({
        load() {
          throw new Error("at once");
        },
      });
      await expect(keys.current()).rejects.toMatchObject({ code: "auth_unavailable" });
    });
  });

  describe("when a token has an unknown key", () => {
    /** Keys that were loaded, and the set that the token was tried with. */
    async function loadedKeys() {
      const { state, load } = issuer();
      const keys = createIssuerKeys({ load });
      await pass(1);
      return { state, keys, tried: await keys.current() };
    }

    it("are asked for again, for the issuer may have a new one", async () => {
      const { state, keys, tried } = await loadedKeys();
      state.published = "key-2";
      const refreshing = keys.refreshed(tried);
      await pass(1);
      expect(await knows(await refreshing, "key-2")).toBe(true);
      keys[Symbol.dispose]();
    });

    it("are asked for at most once in 30 s, whatever comes", async () => {
      const { state, keys, tried } = await loadedKeys();
      state.published = undefined; // Else the newer set would be given at once.
      const flood = async () => {
        const all = Array.from({ length: 500 }, () => keys.refreshed(tried));
        await settle();
        await Promise.all(all);
      };
      await flood();
      const first = state.loads;
      expect(first).toBe(2);
      await flood();
      expect(state.loads).toBe(first);
      expect(await keys.refreshed(tried)).toBeUndefined();
      keys[Symbol.dispose]();
    });

    it("are asked for at most once in 30 s, although the issuer answers", async () => {
      const { state, keys } = await loadedKeys();
      const ask = async () => {
        const refreshing = keys.refreshed(await keys.current());
        await settle();
        await refreshing;
        return state.loads;
      };
      expect(await ask()).toBe(2);
      await pass(29 * SECOND);
      expect(await ask()).toBe(2);
      await pass(1 * SECOND);
      expect(await ask()).toBe(3);
      keys[Symbol.dispose]();
    });

    it("are the same new ones for all who asked while they were loaded", async () => {
      const { state, keys, tried } = await loadedKeys();
      Object.assign(state, { published: "key-2", takesMs: 100 });
      const all = Array.from({ length: 10 }, () => keys.refreshed(tried));
      await pass(100);
      for (const refreshed of await Promise.all(all))
        expect(await knows(refreshed, "key-2")).toBe(true);
      expect(state.loads).toBe(2);
      keys[Symbol.dispose]();
    });

    it("are waited for by so many and no more, where that is said", async () => {
      const { state, load } = issuer();
      using keys = createIssuerKeys({ load, maxWaiting: 3 });
      const tried = await keys.current();
      Object.assign(state, { published: "key-2", takesMs: 100 });
      const settled = Promise.allSettled(Array.from({ length: 5 }, () => keys.refreshed(tried)));
      await pass(100);
      const results = await settled;
      const refused = results.filter(({ status }) => status === "rejected");
      expect(refused).toMatchObject(Array(2).fill({ reason: { code: "auth_unavailable" } }));
      expect(state.loads).toBe(2);
      expect(await knows(await keys.refreshed(tried), "key-2")).toBe(true); // They no longer count.
    });

    it("are given without a load to one who tried an older set", async () => {
      const { state, keys, tried } = await loadedKeys();
      state.published = "key-2";
      await pass(10 * MINUTE);
      expect(await knows(await keys.refreshed(tried), "key-2")).toBe(true);
      expect(state.loads).toBe(2);
      keys[Symbol.dispose]();
    });

    it("are not asked for within 5 s of a failure", async () => {
      const { state, keys, tried } = await loadedKeys();
      state.published = undefined;
      await pass(10 * MINUTE);
      const before = state.loads;
      await pass(1 * SECOND);
      const refreshing = keys.refreshed(tried);
      await settle();
      expect(state.loads).toBe(before);
      await refreshing;
      keys[Symbol.dispose]();
    });

    it("stay the known ones when the issuer is down", async () => {
      const { state, keys, tried } = await loadedKeys();
      state.published = undefined;
      const refreshing = keys.refreshed(tried);
      await pass(1);
      await refreshing;
      expect(await knows(await keys.current(), "key-1")).toBe(true);
      keys[Symbol.dispose]();
    });
  });

  it("say whether the issuer was asked, and whether it has ever answered", async () => {
    const { state, load } = issuer();
    Object.assign(state, { published: undefined, takesMs: 100 });
    using keys = createIssuerKeys({ load });
    expect(keys.status()).toEqual({ wasAsked: false, hasAnswered: false });
    await pass(100);
    expect(keys.status()).toEqual({ wasAsked: true, hasAnswered: false });
    state.published = "key-1";
    await pass(5100);
    expect(keys.status()).toEqual({ wasAsked: true, hasAnswered: true });
    state.published = undefined;
    await pass(HOUR);
    expect(keys.status()).toEqual({ wasAsked: true, hasAnswered: true });
  });

  it("are measured with the clock that was given", async () => {
    const { state, load } = issuer();
    let ms = 0;
    using keys = createIssuerKeys({ load, now: () => ms });
    await pass(1);
    state.published = undefined;
    ms = 24 * HOUR + 1;
    const late = expect(keys.current()).rejects.toMatchObject({ code: "auth_unavailable" });
    await pass(1);
    await late;
  });
});

type Pages = Record<string, string | RequestListener>;

/** An issuer's web server; it counts the visits to each path. */
async function serve(pages: Pages) {
  const visits: string[] = [];
  const server = createServer((req, res) => {
    visits.push(req.url ?? "");
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
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const KEYS = JSON.stringify(setOf("key-1"));

/** Key sets that are none. */
const BAD_PAGES: [string, string | RequestListener][] = [
  ["HTML", "<html>Sign in</html>"],
  ["nothing", ""],
  ["JSON null", "null"],
  ["a list", "[]"],
  ["no keys", '{"keys":[]}'],
  ["keys that are none", '{"keys":["key-1"]}'],
  ["a key without a type", '{"keys":[{"kid":"key-1"}]}'],
  ["101 keys", JSON.stringify(setOf(...Array.from({ length: 101 }, (_, index) => `key-${index}`)))],
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
  });

  it("can be 100", async () => {
    const kids = Array.from({ length: 100 }, (_, index) => `key-${index}`);
    await using server = await serve({ "/keys": JSON.stringify(setOf(...kids)) });
    expect((await loadFromUrl(new URL("/keys", server.origin))()).keys).toHaveLength(100);
  });

  it.each(BAD_PAGES)("are refused where the answer is %s", async (_what, page) => {
    await using server = await serve({ "/keys": page, "/elsewhere": KEYS });
    await expect(loadFromUrl(new URL("/keys", server.origin))()).rejects.toThrow();
    expect(server.visits).toEqual(["/keys"]);
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
    await expect(loadByDiscovery(`${server.issuer}/`)()).rejects.toThrow();
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
