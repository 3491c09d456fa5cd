/**
 * An issuer's public keys: loaded at start, refreshed every ten minutes, kept while the issuer is down.
 *
 * During an outage of the issuer, known keys remain valid for a day. Tokens with unknown keys cause at most one load in
 * 5 s; after a failed load the next one starts 5 s later. Why this is not jose's `createRemoteJWKSet`:
 * docs/decisions/0014-own-key-cache.md.
 */

import type { CryptoKey, JWSHeaderParameters } from "jose";
import * as errors from "jose/errors";
import { createLocalJWKSet } from "jose/jwks/local";
import { authUnavailable } from "../errors.ts";
import { withTimeout } from "../upstream/limits.ts";
import type { LoadKeys } from "./key-set.ts";

export type IssuerKeysOptions = {
  load: LoadKeys;
  /** Requests that may wait for a load at once; others are refused. Default: all. */
  maxWaiting?: number | undefined;
  /** How long one request waits for a load, which goes on in the background. Default: 2 s. */
  maxWaitMs?: number;
  /** After each load. */
  onLoad?: (isLoaded: boolean) => void;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

export type IssuerKeys = ReturnType<typeof createIssuerKeys>;

export type FindKeys = IssuerKeys["find"];

type KeySet = ReturnType<typeof createLocalJWKSet>;

const REFRESH_MS = 10 * 60 * 1000;
/** After a failed load, and between two that tokens with unknown keys cause. */
const PAUSE_MS = 5000;
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** Starts loading at once. Disposal ends the refreshes. */
export function createIssuerKeys(options: IssuerKeysOptions) {
  const { load, maxWaiting = Number.POSITIVE_INFINITY, maxWaitMs = 2000, onLoad } = options;
  const { now = () => performance.now() } = options;
  let loaded: { keys: KeySet; at: number } | undefined;
  let loading: Promise<boolean> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let unknownKeyAt = Number.NEGATIVE_INFINITY;
  let waiting = 0;
  let wasAsked = false;
  let isDisposed = false;
  let timer: NodeJS.Timeout | undefined;

  /** Joins a load that is under way, or starts one. Never rejects. Gives whether it has succeeded. */
  function reload(): Promise<boolean> {
    loading ??= attempt().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  async function attempt(): Promise<boolean> {
    clearTimeout(timer);
    let isLoaded = true;
    try {
      loaded = { keys: createLocalJWKSet(await load()), at: now() };
    } catch {
      failedAt = now();
      isLoaded = false;
    }
    onLoad?.(isLoaded);
    wasAsked = true;
    if (!isDisposed) timer = setTimeout(reload, isLoaded ? REFRESH_MS : PAUSE_MS).unref();
    return isLoaded;
  }

  /** Until a load has ended, but not for long: it goes on in the background. */
  async function waitForLoad(): Promise<void> {
    if (waiting >= maxWaiting) throw noKeys("too_many_waiting");
    waiting += 1;
    await withTimeout(reload(), maxWaitMs, () => noKeys("slow_keys")).catch(() => {});
    waiting -= 1;
  }

  function current(): KeySet | undefined {
    return loaded && now() - loaded.at <= MAX_AGE_MS ? loaded.keys : undefined;
  }

  async function known(): Promise<KeySet> {
    const keys = current();
    if (keys) return keys;
    if (loading || now() - failedAt >= PAUSE_MS) await waitForLoad();
    const late = current();
    if (late) return late;
    throw noKeys(loading ? "slow_keys" : "no_keys");
  }

  /** Newer keys than those that were tried; `undefined` if the issuer was asked a moment ago. */
  async function newer(tried: KeySet): Promise<KeySet | undefined> {
    if (loaded && loaded.keys !== tried) return current(); // Another request has asked meanwhile.
    const isTooSoon = now() - Math.max(unknownKeyAt, failedAt) < PAUSE_MS;
    if (!loading && isTooSoon) return undefined;
    unknownKeyAt = now();
    await waitForLoad();
    return current();
  }

  void reload();

  return {
    /**
     * The keys that fit a token's header; several if it has no `kid`, or if two keys have the same one. If none does, the issuer
     * is asked for newer keys, provided that the token is `worthAsking`. Throws `auth_unavailable` if there are no keys, or
     * only ones that are too old.
     */
    async find(header: JWSHeaderParameters, worthAsking: () => boolean) {
      const tried = await known();
      const fitting = await findFitting(tried, header);
      if (fitting.length > 0 || !worthAsking()) return fitting;
      const keys = await newer(tried);
      return keys ? findFitting(keys, header) : [];
    },
    reload,
    /** For readiness: whether the issuer was called, and whether it has ever answered. */
    status: () => ({ wasAsked, hasAnswered: loaded !== undefined }),
    /** Since it last answered. */
    ageMs: () => loaded && now() - loaded.at,
    [Symbol.dispose]() {
      isDisposed = true;
      clearTimeout(timer);
    },
  };
}

async function findFitting(keys: KeySet, header: JWSHeaderParameters): Promise<CryptoKey[]> {
  const fitting: CryptoKey[] = [];
  try {
    fitting.push(await keys(header));
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys)
      for await (const key of error) fitting.push(key);
  }
  return fitting;
}

function noKeys(reason: "no_keys" | "slow_keys" | "too_many_waiting") {
  return authUnavailable({ retryAfterSeconds: PAUSE_MS / 1000, reason });
}
