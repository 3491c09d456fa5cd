/**
 * Connections to one origin, never more than a given number, the most recently used first.
 *
 * Each is a dispatcher that holds one socket. undici's own pool cannot tell which of its sockets are idle, and so can
 * neither open a new one in the place of an idle one nor throw all of them away. HTTP/1.1, no redirects.
 */

import { buildConnector, Client, type Dispatcher, ProxyAgent } from "undici";
import type { Secret } from "../secret.ts";
import { withMarks } from "./connection-marks.ts";
import { createNoProxy } from "./no-proxy.ts";
import { createPrewarmedSockets } from "./prewarm.ts";
import { createSemaphore } from "./semaphore.ts";

export type ConnectionOptions = {
  origin: string;
  /** Sockets at most, those included that are just being opened. */
  connections: number;
  maxResponseBytes: number;
  /** Of these, so many are opened ahead of requests (prewarm.ts). Default: none. Not through a proxy. */
  warm?: number;
  /** Default 1 s. */
  connectTimeoutMs?: number;
  /** For https origins. */
  proxy?: ForwardProxy | undefined;
};

/** A forward proxy with CONNECT. Its URL may hold credentials; `noProxy` lists hosts as `NO_PROXY` does. */
export type ForwardProxy = { url: Secret; noProxy: string };

export type Connections = AsyncDisposable & {
  /** Waits while all are in use; `undefined` after `timeoutMs`. `newConnection`: one that has not been used before. */
  acquire(newConnection: boolean, timeoutMs: number): Promise<Dispatcher | undefined>;
  /** `isSpoiled`: not to be used again. */
  release(connection: Dispatcher, isSpoiled: boolean): void;
  /** Uses none again of those that are open now: what is wrong with this one may be wrong with all. */
  discard(connection: Dispatcher): void;
};

/**
 * How long an idle socket is kept, where the upstream does not tell how long it will. One that it closes earlier is seen,
 * or is repeated as stale (exchange.ts); undici's 4 s would mean a handshake after every pause.
 */
const KEEP_ALIVE_MS = 120_000;

export function createConnections(options: ConnectionOptions): Connections {
  const { origin, connections: limit, warm = 0 } = options;
  const connect = buildConnector(toConnectOptions(options)); // One for all: TLS sessions are resumed.
  const open = new Set<Dispatcher>();
  const discarded = new WeakSet<Dispatcher>();
  const semaphore = createSemaphore({ limit });
  let idle: Dispatcher[] = [];
  const prewarmed = createPrewarmedSockets({
    origin,
    connect,
    count: isProxied(options) ? 0 : warm,
    hasRoom: (besides) => open.size + besides < limit,
  });
  const connectWarm = withMarks(prewarmed.connect, prewarmed.wasReady);
  const connectNew = withMarks(connect);

  /** There is room, or an idle connection to make room: the semaphore has seen to it. */
  function take(newConnection: boolean): Dispatcher {
    const used = newConnection ? undefined : idle.pop();
    if (used) return used;
    const oldest = open.size >= limit ? idle.shift() : undefined;
    if (oldest) close(oldest);
    const connection = createDispatcher(options, newConnection ? connectNew : connectWarm);
    open.add(connection);
    return connection;
  }

  function close(connection: Dispatcher): void {
    open.delete(connection);
    void connection.destroy();
  }

  return {
    async acquire(newConnection, timeoutMs) {
      if ((await semaphore.acquire(timeoutMs)) === "acquired") return take(newConnection);
      return undefined;
    },
    release(connection, isSpoiled) {
      if (isSpoiled || discarded.has(connection)) close(connection);
      else idle.push(connection);
      semaphore.release();
    },
    discard(connection) {
      if (discarded.has(connection)) return;
      for (const each of open) discarded.add(each);
      idle.forEach(close);
      idle = [];
    },
    async [Symbol.asyncDispose]() {
      prewarmed[Symbol.dispose]();
      await Promise.all([...open].map((connection) => connection.destroy()));
    },
  };
}

/** Pipelining of more than one would let one answer delay another. */
function createDispatcher(
  options: ConnectionOptions,
  connect: buildConnector.connector,
): Dispatcher {
  const { origin, maxResponseBytes, proxy } = options;
  const limits = {
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    allowH2: false,
    maxResponseSize: maxResponseBytes,
    headersTimeout: 0, // The exchange has a timer of its own.
    bodyTimeout: 0,
  };
  if (!proxy || !isProxied(options)) return new Client(origin, { ...limits, connect });
  const tls = toConnectOptions(options);
  return new ProxyAgent({
    ...limits,
    connections: 1,
    uri: proxy.url.reveal(),
    connect: tls,
    proxyTls: tls,
    requestTls: tls,
    factory: createTunnelClient,
  });
}

/** Here `connect` is what opens the tunnel, TLS within it included. */
function createTunnelClient(origin: string | URL, options: Client.Options): Client {
  const { connect } = options;
  const connector = typeof connect === "function" ? connect : buildConnector(connect ?? {});
  return new Client(origin, { ...options, connect: withMarks(connector) });
}

function isProxied({ origin, proxy }: ConnectionOptions): boolean {
  if (!proxy || !origin.startsWith("https:")) return false;
  return !createNoProxy(proxy.noProxy)(new URL(origin));
}

function toConnectOptions({ connectTimeoutMs = 1000 }: ConnectionOptions) {
  return { timeout: connectTimeoutMs, allowH2: false };
}
