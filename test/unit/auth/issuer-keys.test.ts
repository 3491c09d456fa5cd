import type { JSONWebKeySet } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createIssuerKeys, type IssuerKeys } from "../../../src/auth/issuer-keys.ts";
import { keySetOf } from "../fakes.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const NEVER = () => false;
const ALWAYS = () => true;

/** Whether the keys have one of this name; nobody is asked for it. */
async function knows(keys: IssuerKeys, kid: string): Promise<boolean> {
  return (await keys.find({ alg: "ES256", kid }, NEVER)).length > 0;
}

/** How many keys fit a token with this key; the issuer may be asked. */
async function findKeys(keys: IssuerKeys, kid: string): Promise<number> {
  return (await keys.find({ alg: "ES256", kid }, ALWAYS)).length;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.advanceTimersByTime(HOUR); // A process does not load keys at the zero of its clock.
});
afterEach(() => void vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

type IssuerState = { published: string | undefined; takesMs: number; loads: number };

/** An issuer that answers with `published`, or fails where there is nothing. */
function issuer() {
  const state: IssuerState = { published: "key-1", takesMs: 0, loads: 0 };
  const load = async () => {
    state.loads += 1;
    if (state.takesMs > 0) await new Promise((resolve) => setTimeout(resolve, state.takesMs));
    if (state.published === undefined) throw new Error("the issuer is down");
    return keySetOf(state.published);
  };
  return { state, load };
}

describe("an issuer's keys", () => {
  it("are loaded at start, once, however many wait for them", async () => {
    const { state, load } = issuer();
    state.takesMs = 500;
    using keys = createIssuerKeys({ load });
    const waiting = Array.from({ length: 10 }, () => findKeys(keys, "key-1"));
    await pass(500);
    expect(await Promise.all(waiting)).toEqual(Array(10).fill(1));
    expect(state.loads).toBe(1);
  });

  it("are as old as the issuer's last answer", async () => {
    const { state, load } = issuer();
    using keys = createIssuerKeys({ load });
    expect(keys.ageMs()).toBeUndefined();
    await pass(10 * MINUTE + SECOND);
    state.published = undefined;
    await pass(10 * MINUTE);
    expect(keys.ageMs()).toBe(10 * MINUTE + SECOND);
  });

  it("cost nothing once they are there", async () => {
    const { state, load } = issuer();
    using keys = createIssuerKeys({ load });
    await pass(1);
    for (let request = 0; request < 100; request += 1) await findKeys(keys, "key-1");
    expect(state.loads).toBe(1);
  });

  it("are refreshed every ten minutes, without anybody waiting", async () => {
    const { state, load } = issuer();
    using keys = createIssuerKeys({ load });
    await pass(1);
    state.published = "key-2";
    await pass(10 * MINUTE - 2);
    expect(await knows(keys, "key-2")).toBe(false);
    await pass(2);
    expect(await knows(keys, "key-2")).toBe(true);
    expect(state.loads).toBe(2);
  });

  it("are no longer refreshed after disposal", async () => {
    const { state, load } = issuer();
    createIssuerKeys({ load })[Symbol.dispose]();
    await pass(HOUR);
    expect(state.loads).toBe(1);
    expect(vi.getTimerCount()).toBe(0);

    const keys = createIssuerKeys({ load });
    await pass(1);
    keys[Symbol.dispose]();
    await pass(HOUR);
    expect(state.loads).toBe(2);
  });

  it("that take five seconds come in the background; a request waits two", async () => {
    const { state, load } = issuer();
    state.takesMs = 5 * SECOND;
    using keys = createIssuerKeys({ load });
    const refused = expect(findKeys(keys, "key-1")).rejects.toMatchObject({
      code: "auth_unavailable",
      retryAfterSeconds: 5,
      reason: "slow_keys",
    });
    await pass(2 * SECOND);
    await refused;
    await pass(3 * SECOND);
    expect(await findKeys(keys, "key-1")).toBe(1);
    expect(state.loads).toBe(1);
  });

  it("are all that fit: of a name that two have, and of none", async () => {
    using keys = createIssuerKeys({ load: async () => keySetOf("a", "a", "b") });
    await pass(1);
    expect(await findKeys(keys, "a")).toBe(2);
    expect(await findKeys(keys, "b")).toBe(1);
    expect(await keys.find({ alg: "ES256" }, NEVER)).toHaveLength(3);
    expect(await keys.find({ alg: "RS256" }, NEVER)).toEqual([]);
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

  it("that grew too old while the machine slept are loaded for whoever asks", async () => {
    const { state, load } = issuer();
    let ms = 0;
    using keys = createIssuerKeys({ load, now: () => ms });
    await pass(1);
    state.published = "key-2";
    ms = 24 * HOUR + 1;
    expect(await findKeys(keys, "key-2")).toBe(1);
  });

  it("are reported with each load: that it succeeded, or that it failed", async () => {
    const { state, load } = issuer();
    const loads: boolean[] = [];
    using _keys = createIssuerKeys({ load, onLoad: (isLoaded) => void loads.push(isLoaded) });
    await pass(10 * MINUTE - 1);
    expect(loads).toEqual([true]);
    state.published = undefined;
    await pass(5 * SECOND);
    expect(loads).toEqual([true, false]);
  });

  it("are measured with the clock that was given", async () => {
    const { state, load } = issuer();
    let ms = 0;
    using keys = createIssuerKeys({ load, now: () => ms });
    await pass(1);
    state.published = undefined;
    ms = 24 * HOUR + 1;
    const late = expect(findKeys(keys, "key-1")).rejects.toMatchObject({ reason: "no_keys" });
    await pass(1);
    await late;
  });
});

describe("when the issuer is down, its keys", () => {
  it("stay good for 24 hours after they were loaded, and no longer", async () => {
    const { state, load } = issuer();
    using keys = createIssuerKeys({ load });
    await pass(1);
    state.published = undefined;
    await pass(24 * HOUR - 1);
    expect(await findKeys(keys, "key-1")).toBe(1);
    await pass(1);
    await expect(findKeys(keys, "key-1")).rejects.toMatchObject({
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
    expect(await findKeys(keys, "key-1")).toBe(1);
  });

  it("are out of reach at once for those who come within 5 s of a failure", async () => {
    const { state, load } = issuer();
    state.published = undefined;
    using keys = createIssuerKeys({ load });
    for (let request = 0; request < 100; request += 1)
      await expect(findKeys(keys, "key-1")).rejects.toMatchObject({ code: "auth_unavailable" });
    expect(state.loads).toBe(1);
  });

  it("stay the known ones, also after a token with an unknown key", async () => {
    const { state, load } = issuer();
    using keys = createIssuerKeys({ load });
    await pass(1);
    state.published = undefined;
    expect(await findKeys(keys, "key-2")).toBe(0);
    expect(await findKeys(keys, "key-1")).toBe(1);
    expect(state.loads).toBe(2);
  });

  it("count as failed where the set is none", async () => {
    let published: unknown = keySetOf("key-1");
    using keys = createIssuerKeys({ load: async () => published as JSONWebKeySet });
    await pass(1);
    published = { keys: "none" };
    await pass(10 * MINUTE);
    expect(await knows(keys, "key-1")).toBe(true);
  });

  it("leave nothing unhandled where loading throws at once", async () => {
    using keys = createIssuerKeys({
      load() {
        throw new Error("at once");
      },
    });
    await expect(findKeys(keys, "key-1")).rejects.toMatchObject({ code: "auth_unavailable" });
  });
});

describe("after a token with an unknown key, an issuer's keys", () => {
  /** Keys that were loaded. */
  async function loadedKeys(maxWaiting?: number) {
    const { state, load } = issuer();
    const keys = createIssuerKeys({ load, maxWaiting });
    await pass(1);
    return { state, keys };
  }

  it("are asked for again, for the issuer may have a new one", async () => {
    const { state, keys } = await loadedKeys();
    state.published = "key-2";
    expect(await findKeys(keys, "key-2")).toBe(1);
    keys[Symbol.dispose]();
  });

  it("are asked for at most once in 5 s, whatever comes", async () => {
    const { state, keys } = await loadedKeys();
    const flood = () =>
      Promise.all(Array.from({ length: 500 }, (_, index) => findKeys(keys, `junk-${index}`)));
    await flood();
    expect(state.loads).toBe(2);
    await pass(5 * SECOND - 1);
    await flood();
    expect(state.loads).toBe(2);
    await pass(1);
    await flood();
    expect(state.loads).toBe(3);
    keys[Symbol.dispose]();
  });

  it("are found 5 s after a rotation at the latest, although junk is tried all the time", async () => {
    const { state, keys } = await loadedKeys();
    await findKeys(keys, "junk");
    state.published = "key-2"; // The rotation.
    for (let elapsed = 0; elapsed < 5 * SECOND; elapsed += 100) {
      await findKeys(keys, `junk-${elapsed}`);
      await pass(100);
    }
    expect(await findKeys(keys, "key-2")).toBe(1);
    keys[Symbol.dispose]();
  });

  it("are not asked for where the token is refused anyway, so that others find the new ones", async () => {
    const { state, keys } = await loadedKeys();
    for (let request = 0; request < 100; request += 1)
      expect(await keys.find({ alg: "ES256", kid: `junk-${request}` }, NEVER)).toEqual([]);
    expect(state.loads).toBe(1);
    state.published = "key-2"; // The rotation.
    expect(await findKeys(keys, "key-2")).toBe(1);
    keys[Symbol.dispose]();
  });

  it("are the same new ones for all who asked while they were loaded", async () => {
    const { state, keys } = await loadedKeys();
    Object.assign(state, { published: "key-2", takesMs: 100 });
    const all = Array.from({ length: 10 }, () => findKeys(keys, "key-2"));
    await pass(100);
    expect(await Promise.all(all)).toEqual(Array(10).fill(1));
    expect(state.loads).toBe(2);
    keys[Symbol.dispose]();
  });

  it("are the new ones for a request that looked at the old ones just before they came", async () => {
    const loads = [Promise.withResolvers<JSONWebKeySet>(), Promise.withResolvers<JSONWebKeySet>()];
    const [first, second] = loads;
    using keys = createIssuerKeys({ load: async () => loads.shift()?.promise ?? keySetOf() });
    first?.resolve(keySetOf("key-1"));
    await pass(1);
    const asking = findKeys(keys, "key-2");
    await pass(1);

    second?.resolve(keySetOf("key-2"));
    const late = findKeys(keys, "key-2");

    expect(await Promise.all([asking, late])).toEqual([1, 1]);
    expect(loads).toEqual([]);
  });

  it("are waited for by so many and no more, where that is said", async () => {
    const { state, keys } = await loadedKeys(3);
    Object.assign(state, { published: "key-2", takesMs: 100 });
    const settled = Promise.allSettled(Array.from({ length: 5 }, () => findKeys(keys, "key-2")));
    await pass(100);
    const refused = (await settled).filter(({ status }) => status === "rejected");
    expect(refused).toMatchObject(Array(2).fill({ reason: { reason: "too_many_waiting" } }));
    expect(state.loads).toBe(2);
    state.published = "key-3";
    await pass(5 * SECOND);
    const later = findKeys(keys, "key-3"); // The others no longer count.
    await pass(100);
    expect(await later).toBe(1);
    keys[Symbol.dispose]();
  });

  it("are not asked for within 5 s of a failure", async () => {
    const { state, keys } = await loadedKeys();
    state.published = undefined;
    await pass(10 * MINUTE);
    const before = state.loads;
    await pass(1 * SECOND);
    expect(await findKeys(keys, "key-2")).toBe(0);
    expect(state.loads).toBe(before);
    keys[Symbol.dispose]();
  });
});
