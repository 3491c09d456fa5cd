/**
 * P9: rotations lose nothing. MX's key, the authority of MX's certificate and the issuer's signing key are all replaced, as
 * docs/operations.md says, by rolling two replicas under load.
 *
 * MX stands behind an nginx that ends TLS and knows which keys MX accepts.
 */

import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Certificate, makeCertificates } from "../../support/certificates.ts";
import { type Figure, judge, note, toRate } from "../figures.ts";
import { findFreePort, startBalancer, startNginx } from "../nginx.ts";
import type { PartContext } from "../part.ts";
import { restart } from "./rolling-restart.ts";

const LOAD_SHARE = 0.5;
const OLD_KEY = "key-before-the-rotation";
const NEW_KEY = "key-after-the-rotation";
const CLIENT_ID = "load";

export async function measureRotation({ rig, peak, pick }: PartContext): Promise<Figure[]> {
  using before = makeCertificates();
  using after = makeCertificates();
  const keyFile = join(rig.folder, "mx-key");
  const trustFile = join(rig.folder, "trust.pem");
  await writeFile(keyFile, OLD_KEY);
  await writeFile(trustFile, before.authority);
  await using front = await startMxFront({
    mxUrl: rig.environment.MX_PLATFORM_BASE_URL ?? "",
    folder: join(rig.folder, "mx-front"),
    cpus: rig.cpus.others,
  });
  await front.change({ keys: [OLD_KEY], certificate: before.good });

  const environment = {
    DRAIN_DELAY: pick("5s", "1s"),
    MX_PLATFORM_BASE_URL: `https://localhost:${front.port}`,
    MX_PLATFORM_API_KEY: "",
    MX_PLATFORM_API_KEY_FILE: keyFile,
    NODE_EXTRA_CA_CERTS: trustFile,
  };
  const places = [rig.cpus.service, rig.cpus.others];
  rig.issuer.publish(["rs256"]);
  const replicas = await Promise.all(places.map((cpus) => rig.startReplica({ cpus, environment })));
  const folder = join(rig.folder, "balancer");
  await mkdir(folder, { recursive: true });
  const ports = replicas.map(({ port }) => port);
  await using balancer = await startBalancer({ ports, folder, cpus: rig.cpus.others });
  const load = (users: "pool" | "distinct") =>
    rig.load({
      port: balancer.port,
      ratePerSecond: LOAD_SHARE * peak,
      durationMs: 180_000,
      users,
    });
  const roll = async () => {
    for (const [index, cpus] of places.entries()) {
      await restart(rig, replicas, index, { cpus, environment });
      await sleep(pick(3000, 1000));
    }
  };

  try {
    const oldTokens = load("pool");
    await sleep(pick(5000, 1000));
    await front.change({ keys: [OLD_KEY, NEW_KEY], certificate: before.good });
    await writeFile(keyFile, NEW_KEY);
    await writeFile(trustFile, before.authority + after.authority);
    await roll();
    await front.change({ keys: [NEW_KEY], certificate: after.good });
    await sleep(pick(3000, 1000));
    await writeFile(trustFile, after.authority);
    rig.issuer.publish(["rs256", "es256"]);
    await roll();
    await rig.stopLoad();
    const first = await oldTokens;

    const newTokens = load("distinct");
    await sleep(pick(3000, 1000));
    rig.issuer.publish(["es256"]);
    await roll();
    await rig.stopLoad();
    const second = await newTokens;

    const sent = first.total.sent + second.total.sent;
    const failed = sent - first.total.ok - second.total.ok;
    const others = { ...first.others, ...second.others };
    return [
      judge(
        "P9",
        "MX's key, its authority and the signing key rotated: failed",
        `${failed} of ${sent} ${JSON.stringify(others)}`,
        `0 of ≥ ${pick(10_000, 1000)}`,
        failed === 0 && sent >= pick(10_000, 1000),
      ),
      note("rotation: offered", toRate(sent / (first.seconds.length + second.seconds.length))),
    ];
  } finally {
    rig.issuer.publish(["rs256", "es256"]);
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  }
}

type MxFront = AsyncDisposable & {
  port: number;
  /** What MX accepts and shows from now on. Requests in flight are answered first. */
  change(state: { keys: readonly string[]; certificate: Certificate }): Promise<void>;
};

async function startMxFront(options: {
  mxUrl: string;
  folder: string;
  cpus: string | undefined;
}): Promise<MxFront> {
  const { mxUrl, folder, cpus } = options;
  const port = await findFreePort();
  const prefix = join(folder, "nginx");
  await mkdir(prefix, { recursive: true });
  const write = async ({ keys, certificate }: Parameters<MxFront["change"]>[0]) => {
    const accepted = keys.map((key) => `"Basic ${btoa(`${CLIENT_ID}:${key}`)}" 1;`).join("\n");
    await writeFile(join(prefix, "accepted.conf"), `default 0;\n${accepted}\n`);
    await writeFile(join(prefix, "front.pem"), certificate.cert);
    await writeFile(join(prefix, "front.key"), certificate.key);
  };
  using unused = makeCertificates();
  await write({ keys: [], certificate: unused.good });
  const nginx = await startNginx({ port, config: toConfig(port, mxUrl), folder, cpus });
  return {
    port,
    async change(state) {
      await write(state);
      const args = ["-p", prefix, "-c", "nginx.conf", "-s", "reload"];
      if (spawnSync("nginx", args).status !== 0) throw new Error("nginx does not reload");
      await sleep(300); // The signal is handled in the background.
    },
    [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
  };
}

function toConfig(port: number, mxUrl: string): string {
  return `
daemon off;
pid nginx.pid;
worker_processes 1;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  map $http_authorization $is_accepted { include accepted.conf; }
  upstream mx {
    server ${new URL(mxUrl).host};
    keepalive 256;
  }
  server {
    listen 127.0.0.1:${port} ssl backlog=4096;
    ssl_certificate front.pem;
    ssl_certificate_key front.key;
    keepalive_requests 1000000;
    location / {
      if ($is_accepted = 0) { return 401; }
      proxy_pass http://mx;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
}
