/**
 * Everything around the service: issuer, MX and load generator, on loopback, with their files in a folder that goes away.
 */

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cpus, pinSelf, planCpus } from "./cpus.ts";
import { type Issuer, startIssuer } from "./issuer.ts";
import type { MxMode, MxReply, MxRequest, MxSecond } from "./mx-stub.ts";
import type { GeneratorReply, GeneratorRequest, LoadRun } from "./open-loop.ts";
import { readCpuMs } from "./proc.ts";
import { type Replica, startReplica } from "./replica.ts";
import type { LoadResult } from "./tally.ts";
import { startWorker } from "./worker.ts";

export type Rig = AsyncDisposable & {
  cpus: Cpus;
  issuer: Issuer;
  mx: {
    setMode(mode: MxMode): Promise<void>;
    /** What was counted since it was last asked. */
    take(): Promise<MxSecond[]>;
  };
  /** Files in here are deleted at the end. */
  folder: string;
  /** What each replica gets, where it is not told otherwise. */
  environment: Readonly<Record<string, string>>;
  startReplica(options?: RigReplicaOptions): Promise<Replica>;
  /** Sends load, and gives what came of it when the last request has its ending. */
  load(run: LoadRun): Promise<LoadResult>;
  /** Ends the run that is under way. */
  stopLoad(): Promise<void>;
  /** CPU milliseconds that generator and MX have used together. */
  cpuMs(): number;
};

export type RigReplicaOptions = {
  environment?: Record<string, string>;
  cpus?: string | undefined;
  inspector?: boolean;
  preload?: string;
};

export type RigOptions = {
  /** From a call to MX until its answer. */
  mxLatencyMs: number;
};

export async function startRig({ mxLatencyMs }: RigOptions): Promise<Rig> {
  await using parts = new AsyncDisposableStack();
  const cpus = planCpus();
  pinSelf(cpus.others);
  const folder = await mkdtemp(join(tmpdir(), "mx-session-bff-load-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const issuer = parts.use(await startIssuer());
  const mx = parts.use(
    startWorker<MxRequest, MxReply>(new URL("./mx-stub.ts", import.meta.url), cpus.others),
  );
  const generator = parts.use(
    startWorker<GeneratorRequest, GeneratorReply>(
      new URL("./open-loop.ts", import.meta.url),
      cpus.others,
    ),
  );
  const { port: mxPort } = await mx.ask({ kind: "listen" });
  await mx.ask({ kind: "latency", latencyMs: mxLatencyMs });
  await generator.ask({
    kind: "prepare",
    issuer: { issuer: issuer.issuer, audience: issuer.audience },
    poolKey: issuer.keys.rs256,
    distinctKey: issuer.keys.es256,
  });
  const environment = {
    HOST: "127.0.0.1",
    PORT: "0",
    OPERATIONS_PORT: "0",
    DRAIN_DELAY: "0s",
    AUTH_ISSUER: issuer.issuer,
    AUTH_AUDIENCE: issuer.audience,
    AUTH_JWKS_URL: issuer.jwksUrl,
    MX_PLATFORM_BASE_URL: `http://127.0.0.1:${mxPort}`,
    MX_PLATFORM_CLIENT_ID: "load",
    MX_PLATFORM_API_KEY: "load-run-key",
    RATE_LIMIT_USER: "900000/1m", // It counts as ever, but a thousand users stand for all that a partner has.
  };
  let replicas = 0;
  const owned = parts.move();

  return {
    cpus,
    issuer,
    folder,
    environment,
    mx: {
      async setMode(mode) {
        await mx.ask({ kind: "mode", mode });
      },
      take: async () => (await mx.ask({ kind: "take" })).seconds,
    },
    startReplica(options = {}) {
      replicas += 1;
      return startReplica({
        environment: { ...environment, ...options.environment },
        cpus: "cpus" in options ? options.cpus : cpus.service,
        logPath: join(folder, `replica-${replicas}`),
        inspector: options.inspector ?? false,
        preload: options.preload,
      });
    },
    async load(run) {
      const result = await generator.ask({ kind: "run", ...run });
      if (!result) throw new Error("the generator gave no result");
      return result;
    },
    async stopLoad() {
      await generator.ask({ kind: "stop" });
    },
    cpuMs: () => readCpuMs(mx.pid) + readCpuMs(generator.pid),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
