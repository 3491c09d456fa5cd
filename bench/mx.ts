/**
 * A stub for MX that is cheaper than what is measured: nginx with fixed answers, or a bare socket where nginx is absent.
 */

import { spawnSync } from "node:child_process";
import { findFreePort, startNginx } from "../test/load/nginx.ts";
import { startWorker } from "../test/load/worker.ts";
import { type MxAnswer, NEW_USER, SSO_MEMBER, SSO_USER, WIDGET_URL } from "./mx-answers.ts";
import type { StubReply, StubRequest } from "./mx-stub.ts";

export type Mx = AsyncDisposable & { port: number; kind: "nginx" | "node" };

export type MxOptions = {
  cpus: string | undefined;
  /** Files of nginx are put here. */
  folder: string;
  /** Needs a memory, which nginx has not. */
  isFirstLogin: boolean;
};

export async function startMx({ cpus, folder, isFirstLogin }: MxOptions): Promise<Mx> {
  const hasNginx = spawnSync("nginx", ["-v"]).status === 0;
  if (isFirstLogin || !hasNginx) return startStub(cpus, { kind: "listen", isFirstLogin });
  const port = await findFreePort();
  const nginx = await startNginx({ port, config: toConfig(port), folder, cpus });
  return { kind: "nginx", port, [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose]() };
}

export type Stub = Mx & { count(): Promise<StubReply> };

export async function startStub(cpus: string | undefined, listen: StubRequest): Promise<Stub> {
  const worker = startWorker<StubRequest, StubReply>(
    new URL("./mx-stub.ts", import.meta.url),
    cpus,
  );
  const { port } = await worker.ask(listen);
  return {
    kind: "node",
    port,
    count: () => worker.ask({ kind: "count" }),
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}

function toConfig(port: number): string {
  const say = ({ status, body }: MxAnswer) => `return ${status} '${body}';`;
  return `
daemon off;
pid nginx.pid;
worker_processes 1;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  default_type application/json;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /users { ${say(NEW_USER)} }
    location /users/ { ${say(WIDGET_URL)} }
    location /user/ { ${say(SSO_USER)} }
    location /member/ { ${say(SSO_MEMBER)} }
  }
}
`;
}
