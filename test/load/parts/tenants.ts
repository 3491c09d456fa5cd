/**
 * P11: one tenant's MX takes calls and says nothing; another tenant of the same replica does not notice.
 */

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type Figure, judge, note, toMs, toPercent } from "../figures.ts";
import type { PartContext } from "../part.ts";
import type { Replica } from "../replica.ts";
import { startReplica } from "../replica.ts";
import type { Rig } from "../rig.ts";
import { createSign } from "../tokens.ts";

const AILING_ISSUER = "https://login.ailing.example";
const AILING_EVERY_MS = 25;
/** Of two tenants each has a third of the places at least, and one is left for others (docs/decisions/0007-tenants.md). */
const LOAD_SHARE = 0.3;
const MIN_OK_SHARE = 0.999;
const MAX_SLOWDOWN = 1.2;

export async function measureTenants({ rig, peak, pick }: PartContext): Promise<Figure[]> {
  await using mx = await startSilentMx();
  await using replica = await startReplicaOfTwo(rig, mx.url);
  const load = (durationMs: number) =>
    rig.load({
      port: replica.port,
      ratePerSecond: LOAD_SHARE * peak,
      durationMs,
      users: "pool",
    });

  await load(pick(10_000, 1000)); // Code is compiled, pools are filled.
  const { total: alone } = await load(pick(20_000, 2000));
  const ailing = sendAiling(rig, replica);
  const { total: beside } = await load(pick(20_000, 2000));
  const statuses = await ailing.stop();

  const share = beside.ok / beside.sent;
  const slowdown = beside.okMs.p99 / alone.okMs.p99;
  return [
    judge(
      "P11",
      "another tenant's MX hangs: answered 200",
      `${toPercent(share)} (${beside.ok} of ${beside.sent})`,
      `≥ ${toPercent(MIN_OK_SHARE)}`,
      share >= MIN_OK_SHARE,
    ),
    judge(
      "P11",
      "another tenant's MX hangs: p99",
      `${toMs(beside.okMs.p99)}, alone ${toMs(alone.okMs.p99)}`,
      "≤ + 20 %",
      slowdown <= MAX_SLOWDOWN,
    ),
    note("refused meanwhile", `${beside.shed}, and ${beside.other} others`),
    note("what the other tenant was answered", JSON.stringify(statuses)),
  ];
}

/** The rig's own configuration twice, but for issuer and MX. */
function toTenants({ environment }: Rig, silentMxUrl: string): object[] {
  const own = Object.fromEntries(
    Object.entries(environment).filter(([name]) => /^(AUTH|MX)_/.test(name)),
  );
  const ailing = {
    ...own,
    AUTH_ISSUER: AILING_ISSUER,
    MX_PLATFORM_BASE_URL: silentMxUrl,
    MX_PLATFORM_CLIENT_ID: "ailing",
    MX_PLATFORM_API_KEY: "ailing-run-key",
  };
  return [
    { name: "healthy", ...own },
    { name: "ailing", ...ailing },
  ];
}

async function startReplicaOfTwo(rig: Rig, silentMxUrl: string): Promise<Replica> {
  const path = join(rig.folder, "tenants.json");
  await writeFile(path, JSON.stringify({ tenants: toTenants(rig, silentMxUrl) }));
  const common = Object.entries(rig.environment).filter(([name]) => !/^(AUTH|MX)_/.test(name));
  return startReplica({
    environment: { ...Object.fromEntries(common), TENANTS_FILE: path },
    cpus: rig.cpus.service,
    logPath: join(rig.folder, "tenants"),
  });
}

/** Requests of the other tenant, at fixed times. `stop` waits for the last, and tells how often which status came. */
function sendAiling(rig: Rig, { port }: Replica): { stop(): Promise<Record<string, number>> } {
  const sign = createSign(rig.issuer.keys.es256, { ...rig.issuer, issuer: AILING_ISSUER });
  const statuses: Record<string, number> = {};
  const sent: Promise<void>[] = [];
  const timer = setInterval(() => sent.push(send(`ailing-${sent.length}`)), AILING_EVERY_MS);

  async function send(user: string): Promise<void> {
    const { status } = await fetch(`http://127.0.0.1:${port}/session`, {
      method: "POST",
      headers: { authorization: `Bearer ${sign(user)}` },
    });
    statuses[status] = (statuses[status] ?? 0) + 1;
  }

  return {
    async stop() {
      clearInterval(timer);
      await Promise.allSettled(sent);
      return statuses;
    },
  };
}

async function startSilentMx(): Promise<AsyncDisposable & { url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => socket.destroy()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
