/**
 * nginx, Debian's package, with a configuration of its own; and as a partner would put it in front of two replicas:
 * keep-alive to both, passive checks.
 */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startChild } from "../support/child.ts";

export type Nginx = AsyncDisposable & {
  port: number;
  /** How often a connection to a replica was refused, and how often one failed on which a request had been sent. */
  countErrors(): Promise<{ refused: number; broken: number }>;
};

export type NginxOptions = {
  /** Where it listens, by its configuration. */
  port: number;
  config: string;
  folder: string;
  cpus: string | undefined;
};

export type BalancerOptions = {
  /** Of the replicas. */
  ports: readonly number[];
  folder: string;
  cpus: string | undefined;
};

export async function startBalancer({ ports, ...options }: BalancerOptions): Promise<Nginx> {
  const port = await findFreePort();
  return startNginx({ port, config: toConfig(port, ports), ...options });
}

export async function startNginx({ port, config, folder, cpus }: NginxOptions): Promise<Nginx> {
  if (spawnSync("nginx", ["-v"]).status !== 0)
    throw new Error("nginx is not installed (Debian: nginx-light)");
  const prefix = join(folder, "nginx");
  const asRoot = process.getuid?.() === 0 ? "user root;\n" : "";
  await mkdir(prefix, { recursive: true });
  await writeFile(join(prefix, "nginx.conf"), asRoot + config);
  const child = startChild("nginx", ["-p", prefix, "-c", "nginx.conf", "-e", "error.log"], {
    cpus,
    stdio: ["ignore", "ignore", "inherit"],
  });
  await untilListening(port);

  return {
    port,
    async countErrors() {
      const log = await readFile(join(prefix, "error.log"), "utf8");
      const lines = log.split("\n").filter((line) => line.includes("upstream"));
      const refused = lines.filter((line) => line.includes("while connecting to upstream")).length;
      return { refused, broken: lines.length - refused };
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/**
 * nginx without a licence has no active checks, so it learns of a restart by a connection that is refused: `max_fails`
 * takes the replica out at the first one, `fail_timeout` tries it again after a second.
 *
 * A request whose connection to one replica fails goes to the other, also if it had been sent: `POST /session` is safe to
 * repeat. It has to be so where a proxy cannot be told of a drain, because the kernel resets what stands in the queue of
 * a socket that stops listening, and no server can prevent that. Never on `timeout` or a 503: a slow MX would get
 * every call twice. How often nginx had to is counted, or it would hide a service that does not drain.
 */
function toConfig(port: number, ports: readonly number[]): string {
  const servers = ports.map((each) => `server 127.0.0.1:${each} max_fails=1 fail_timeout=1s;`);
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
  upstream replicas {
    ${servers.join("\n    ")}
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_connect_timeout 1s;
      proxy_read_timeout 10s;
      proxy_next_upstream error non_idempotent;
      proxy_next_upstream_tries 2;
    }
  }
}
`;
}

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const isUp = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await sleep(50);
  }
  throw new Error("nginx does not listen");
}
