/** What all tenants share: whether Redis can count for all replicas, and whether the forward proxy can be reached. */

import { countOnce } from "../../rate-limit/limiter.ts";
import { createRedis, findMode, type RedisClient, toRedisProblem } from "../../rate-limit/redis.ts";
import type { RedisProblem, RedisSettings } from "../../session/settings.ts";
import { createOpen, type ForwardProxy } from "../../upstream/connection.ts";
import { toOpenFailure, toTransportReason } from "../../upstream/failure.ts";
import { type Limits, withTimeout } from "../../upstream/limits.ts";
import type { Judgement } from "./finding.ts";
import { judgeFailure } from "./no-answer.ts";

const CONNECT_TIMEOUT_MS = 3000;

export function toRedisTarget({ nodes, socket }: RedisSettings): string {
  return socket ?? nodes.map(({ host, port }) => `${host}:${port}`).join(",");
}

/** Counts one event under a key of its own, as the service does: with its client, its script and its time limit. */
export async function checkRedis(settings: RedisSettings): Promise<Judgement> {
  const target = toRedisTarget(settings);
  const mismatch = await findMismatch(settings);
  if (mismatch) return mismatch;
  try {
    const count = (redis: RedisClient) =>
      withTimeout(countOnce(redis), settings.timeoutMs, timedOut);
    await withRedis(settings, count);
    return { verdict: "ok", message: `${target} works.` };
  } catch (error) {
    return judge(error, target, settings);
  }
}

/** Rejects with the first error: a check does not retry. */
async function withRedis<T>(settings: RedisSettings, ask: (redis: RedisClient) => Promise<T>) {
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  await using redis = createRedis(settings, {
    onReady: resolve,
    onProblem: (_problem, error) => reject(error),
  });
  await withTimeout(ready, CONNECT_TIMEOUT_MS, timedOut);
  return await ask(redis);
}

function timedOut(): Error {
  return new Error("timed out");
}

const EXPECTED = { single: "standalone", cluster: "cluster", sentinel: "sentinel" } as const;
const WORDS: Readonly<Record<string, string>> = {
  standalone: "a single server",
  cluster: "a node of a cluster",
  sentinel: "a sentinel",
};

/** Asks each address what it is. One that does not answer is found later, when it should count. */
async function findMismatch(settings: RedisSettings): Promise<Judgement | undefined> {
  const { mode, nodes, socket } = settings;
  const addresses = socket === undefined ? nodes.map((node) => [node]) : [[]];
  const found = await Promise.all(addresses.map((address) => askMode(settings, address)));
  const at = found.findIndex((answer) => answer !== undefined && answer !== EXPECTED[mode]);
  const answer = found[at];
  if (answer === undefined) return undefined;
  const target = toRedisTarget({ ...settings, nodes: addresses[at] ?? [] });
  const right = answer === "standalone" ? "single" : answer;
  return {
    verdict: "wrong_mode",
    message: `${target} is ${WORDS[answer] ?? "something else"}, but REDIS_MODE is ${mode}.`,
    next: `Set REDIS_MODE=${right}, or correct REDIS_URL.`,
  };
}

async function askMode(settings: RedisSettings, nodes: RedisSettings["nodes"]) {
  const username = settings.mode === "sentinel" ? undefined : settings.username;
  const alone = { ...settings, nodes, username, mode: "single", database: 0 } as const;
  return withRedis(alone, findMode).catch(() => undefined);
}

function judge(error: unknown, target: string, settings: RedisSettings): Judgement {
  const problem = toRedisProblem(error) ?? "unexpected_answer";
  const judged = JUDGEMENTS[problem];
  if (typeof judged !== "string") return { ...judged, message: `${target} ${judged.message}` };
  if (judged === "timeout") {
    return {
      verdict: "no_answer",
      message: `${target} did not answer within REDIS_TIMEOUT (${settings.timeoutMs} ms).`,
      next: "Make sure that it works. If it is far away, raise REDIS_TIMEOUT (at most 2s, and a tenth of REQUEST_DEADLINE). Use rediss:// only for a port with TLS.",
    };
  }
  const reason = toTransportReason(codeOf(error));
  if (/_alert_certificate_required$/.test(reason)) {
    return {
      verdict: "client_certificate_missing",
      message: `${target} wants a client certificate.`,
      next: "Set `tls-auth-clients no` in the configuration of Redis. The service has no client certificate for Redis.",
    };
  }
  const failure = judgeFailure({ kind: "failure", failure: judged, reason }, target);
  if (failure.verdict !== "unreachable") return { ...failure, next: `REDIS_URL: ${failure.next}` };
  return { ...failure, next: settings.socket ? CHECK_SOCKET : CHECK_ADDRESS };
}

/** No proxy leads to Redis, so the advice differs from that for other upstreams. */
const CHECK_ADDRESS =
  "REDIS_URL: Make sure that host and port are right, and that no firewall blocks this machine. For a port with TLS, use rediss://.";
const CHECK_SOCKET =
  "REDIS_URL: Make sure that Redis listens on this socket (unixsocket), and that the service may open it (unixsocketperm).";

/** Messages follow the name of the server. Failures to connect have the same messages as those of every upstream. */
const JUDGEMENTS: Readonly<Record<RedisProblem, Judgement | "not_sent" | "tls_error" | "timeout">> =
  {
    unreachable: "not_sent",
    tls_error: "tls_error",
    timeout: "timeout",
    credentials_refused: {
      verdict: "key_refused",
      message: "refuses the password.",
      next: "Put the user name and password into REDIS_URL, percent-encoded: redis://user:password@host:6379",
    },
    not_permitted: {
      verdict: "key_refused",
      message: "does not let this user write.",
      next: "Allow the user the keys mx-session-bff:* and the commands to read, write and run scripts: ~mx-session-bff:* +@read +@write +@scripting, and +cluster in a cluster.",
    },
    wrong_mode: {
      verdict: "wrong_mode",
      message: "does not run as REDIS_MODE says, or does not know EVALSHA.",
      next: "Set REDIS_MODE to single, cluster or sentinel, whichever you run. The service needs scripts (EVAL and EVALSHA).",
    },
    unknown_database: {
      verdict: "wrong_address",
      message: "has no database with this number.",
      next: "Correct the number at the end of REDIS_URL, or raise `databases` in the configuration of Redis.",
    },
    too_many_clients: {
      verdict: "unavailable",
      message: "accepts no more connections.",
      next: "Raise `maxclients` in the configuration of Redis, or find out who has so many connections.",
    },
    unknown_master: {
      verdict: "unknown_master",
      message: "know no primary with the name in REDIS_SENTINEL_MASTER.",
      next: "Set it to the name in `sentinel monitor` of the sentinels' configuration.",
    },
    loading: {
      verdict: "loading",
      message: "is still loading its data.",
      next: "Try again when it has finished.",
    },
    out_of_memory: {
      verdict: "out_of_memory",
      message: "is out of memory and accepts no writes (OOM).",
      next: "Raise maxmemory, or set maxmemory-policy to one that evicts, such as volatile-ttl.",
    },
    read_only: {
      verdict: "read_only",
      message: "is a replica that cannot be written to.",
      next: "Use the primary's address in REDIS_URL, or set REDIS_MODE=sentinel.",
    },
    cannot_persist: {
      verdict: "cannot_persist",
      message: "cannot save to disk, so it accepts no writes (MISCONF).",
      next: "Look at its log. Usually the disk is full.",
    },
    cluster_down: {
      verdict: "unavailable",
      message: "is a cluster that does not serve all slots, or a replica without its primary.",
      next: "Look at CLUSTER INFO on its nodes.",
    },
    unexpected_answer: {
      verdict: "no_answer",
      message: "did not answer as Redis does.",
      next: "Make sure that REDIS_URL is right. Use rediss:// with TLS, and redis:// without.",
    },
  };

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code.toLowerCase();
  return /\b(E[A-Z]{4,}(_[A-Z]+)*)\b/.exec(error.message)?.[1]?.toLowerCase() ?? "";
}

export function toProxyTarget({ url }: ForwardProxy): string {
  return new URL(url.reveal()).host;
}

export async function checkProxy(
  { url }: ForwardProxy,
  { connectTimeoutMs }: Limits,
): Promise<Judgement> {
  const { origin, host } = new URL(url.reveal());
  try {
    const socket = await createOpen({ origin, connectTimeoutMs })().socket;
    socket.destroy();
    return { verdict: "ok", message: `${host} accepts connections.` };
  } catch (error) {
    const { message, next } = judgeFailure(toOpenFailure(error), host);
    return { verdict: "proxy_unreachable", message, next: `HTTPS_PROXY: ${next}` };
  }
}
