/** A collector of OpenTelemetry that answers or hangs, and the service as a process that sends its spans there. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startServiceProcess } from "./program.ts";
import { startUpstreams } from "./start.ts";

type Collected = { resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[] };

export async function startCollector(doesAnswer: boolean) {
  const received: string[] = [];
  const paths = new Set<string | undefined>();
  const server = createServer(async (req, res) => {
    paths.add(req.url);
    received.push(Buffer.concat(await req.toArray()).toString());
    if (doesAnswer) res.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    paths,
    names: () =>
      received
        .map((text): Collected => JSON.parse(text))
        .flatMap(({ resourceSpans }) => resourceSpans)
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap((scope) => scope.spans.map(({ name }) => name)),
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Twenty sessions, then SIGTERM. */
export async function runTwentySessions(environment: Record<string, string>) {
  await using upstreams = await startUpstreams();
  const { mx, issuer } = upstreams;
  await using child = await startServiceProcess({
    ...upstreams.environment("both"),
    ...environment,
  });
  const headers = { Authorization: `Bearer ${await issuer.issueToken("canary-subject")}` };
  const ask = () => fetch(`${child.url}/session`, { method: "POST", headers });
  const statuses = (await Promise.all(Array.from({ length: 20 }, ask))).map((one) => one.status);
  child.signal("SIGTERM");
  const code = await child.exited;
  const { apiKey, ssoKey } = mx.credentials;
  return { statuses, code, output: child.output(), secrets: [apiKey, ssoKey] };
}
