/**
 * An issuer's public keys: loaded at start, refreshed every ten minutes, kept while the issuer is down.
 *
 * An outage of the issuer stops nobody whose keys are known, for a day. Tokens with unknown keys cause at most one
 * load in 30 s; a failed load is followed by another after 5 s at the earliest.
 * Sources: OpenID Connect Discovery 1.0, section 4; RFC 7517; RFC 8725, section 3.10 (keys only from where we chose).
 */

import { readFile } from "node:fs/promises";
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import * as z from "zod";
import { AppError, authUnavailable } from "../errors.ts";
import type { KeySource } from "../session/settings.ts";
import { createExchange, type ExchangeResult } from "../upstream/exchange.ts";
import type { ForwardProxy } from "../upstream/pool.ts";
import { findUpstreamProblem } from "../upstream/upstream-url.ts";

/** Gives the key set, or throws: why does not matter to anybody who waits for keys. */
export type LoadKeys = () => Promise<JSONWebKeySet>;

/** Is shown each exchange that a load takes. */
export type Watch = (result: ExchangeResult, url: URL) => void;

export type IssuerKeysOptions = {
  load: LoadKeys;
  /** Requests that may wait for a load at once; others are refused. Default: all. */
  maxWaiting?: number | undefined;
  /** After each load. */
  onLoad?: (isLoaded: boolean) => void;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

export type LoadedIssuerKeys = Disposable & {
  current(): Promise<JWTVerifyGetKey>;
  refreshed(tried: JWTVerifyGetKey): Promise<JWTVerifyGetKey | undefined>;
  /** For readiness: has the issuer been asked, and has it ever answered. */
  status(): { wasAsked: boolean; hasAnswered: boolean };
  /** Since it last answered. */
  ageMs(): number | undefined;
};

const REFRESH_MS = 10 * 60 * 1000;
const RETRY_MS = 5000;
const UNKNOWN_KEY_INTERVAL_MS = 30_000;
const MAX_AGE_MS = 24 * 60 * 60 * 1000;
const TIMEOUT_MS = 2000;
const MAX_BYTES = 256 * 1024;
const MAX_KEYS = 100;

const KeySet = z.object({
  keys: z
    .array(z.looseObject({ kty: z.string() }))
    .min(1)
    .max(MAX_KEYS),
});
const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** Starts loading at once. Disposal ends the refreshes. */
export function createIssuerKeys(options: IssuerKeysOptions): LoadedIssuerKeys {
  const { load, maxWaiting = Number.POSITIVE_INFINITY, onLoad } = options;
  const { now = () => performance.now() } = options;
  let loaded: { keys: JWTVerifyGetKey; at: number } | undefined;
  let loading: Promise<void> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let unknownKeyAt = Number.NEGATIVE_INFINITY;
  let waiting = 0;
  let wasAsked = false;
  let isDisposed = false;
  let timer: NodeJS.Timeout | undefined;

  /** One load at a time; never rejects. */
  function reload(): Promise<void> {
    loading ??= attempt().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  async function attempt(): Promise<void> {
    clearTimeout(timer);
    let nextMs = REFRESH_MS;
    try {
      loaded = { keys: createLocalJWKSet(await load()), at: now() };
      onLoad?.(true);
    } catch {
      failedAt = now();
      nextMs = RETRY_MS;
      onLoad?.(false);
    }
    wasAsked = true;
    if (!isDisposed) timer = setTimeout(reload, nextMs).unref();
  }

  async function waitForKeys(): Promise<void> {
    if (waiting >= maxWaiting) {
      throw authUnavailable({
        retryAfterSeconds: RETRY_MS / 1000,
        reason: "too_many_waiting",
      });
    }
    waiting += 1;
    await reload();
    waiting -= 1;
  }

  function usable(): JWTVerifyGetKey | undefined {
    return loaded && now() - loaded.at <= MAX_AGE_MS ? loaded.keys : undefined;
  }

  void reload();

  return {
    async current() {
      const keys = usable();
      if (keys) return keys;
      if (loading || now() - failedAt >= RETRY_MS) await waitForKeys();
      const late = usable();
      if (late) return late;
      throw authUnavailable({ retryAfterSeconds: RETRY_MS / 1000, reason: "no_keys" });
    },
    async refreshed(tried) {
      if (loaded && loaded.keys !== tried) return usable(); // Somebody else has asked meanwhile.
      const isTooSoon =
        now() - unknownKeyAt < UNKNOWN_KEY_INTERVAL_MS || now() - failedAt < RETRY_MS;
      if (!loading && isTooSoon) return undefined;
      unknownKeyAt = now();
      await waitForKeys();
      return usable();
    },
    status: () => ({ wasAsked, hasAnswered: loaded !== undefined }),
    ageMs: () => loaded && now() - loaded.at,
    [Symbol.dispose]() {
      isDisposed = true;
      clearTimeout(timer);
    },
  };
}

export function createLoader(
  { issuer, keys }: { issuer: string; keys: KeySource },
  proxy?: ForwardProxy,
  watch?: Watch,
): LoadKeys {
  if (keys.kind === "file") return loadFromFile(keys.path);
  if (keys.kind === "url") return loadFromUrl(keys.url, proxy, watch);
  return loadByDiscovery(issuer, proxy, watch);
}

/** Follows the issuer's discovery document, which has to name the same issuer. */
export function loadByDiscovery(issuer: string, proxy?: ForwardProxy, watch?: Watch): LoadKeys {
  return async () => {
    const base = issuer.replace(/\/$/, "");
    const document = Discovery.parse(
      await fetchJson(new URL(`${base}/.well-known/openid-configuration`), proxy, watch),
    );
    if (document.issuer !== issuer) throw unusable("wrong_issuer");
    const jwksUrl = new URL(document.jwks_uri);
    const isDowngrade = jwksUrl.protocol === "http:" && !issuer.startsWith("http:");
    if (isDowngrade || findUpstreamProblem(jwksUrl)) throw unusable("unsafe_keys_url");
    return toKeySet(await fetchJson(jwksUrl, proxy, watch));
  };
}

export function loadFromUrl(url: URL, proxy?: ForwardProxy, watch?: Watch): LoadKeys {
  return async () => toKeySet(await fetchJson(url, proxy, watch));
}

/** Read anew at each refresh, so that keys can be rotated by replacing the file. */
export function loadFromFile(path: string): LoadKeys {
  return async () => toKeySet(JSON.parse(await readFile(path, "utf8")));
}

/** The discovery document is not one to follow. */
function unusable(reason: "wrong_issuer" | "unsafe_keys_url"): AppError {
  return new AppError("auth_unavailable", "The issuer's discovery document cannot be used.", {
    reason,
  });
}

async function fetchJson(url: URL, proxy?: ForwardProxy, watch?: Watch): Promise<unknown> {
  await using exchange = createExchange({
    origin: url.origin,
    connections: 1,
    maxResponseBytes: MAX_BYTES,
    proxy,
  });
  const headers = { accept: "application/json, application/jwk-set+json" };
  const result = await exchange(
    { method: "GET", path: url.pathname + url.search, headers },
    TIMEOUT_MS,
  );
  watch?.(result, url);
  if (result.kind === "failure") throw new Error(result.reason);
  if (result.status !== 200) throw new Error(`status ${result.status}`);
  return JSON.parse(result.text);
}

function toKeySet(body: unknown): JSONWebKeySet {
  return KeySet.parse(body);
}
