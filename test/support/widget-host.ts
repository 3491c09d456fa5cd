/** A page around a widget of the simulator: another site, which keeps the messages that reach it. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";
import { widgetPath } from "../../packages/simulator/src/widget-url.ts";

export type WidgetHost = AsyncDisposable & {
  mx: Simulator;
  /** A fresh widget URL of the one user there is. */
  issueUrl(widgetType: string, options?: object, acceptLanguage?: string): string;
  /** The page's address. */
  around(url: string, referrerPolicy?: string): string;
};

export type HostMessage = { type: string; origin: string; metadata: Record<string, unknown> };

export async function startWidgetHost(): Promise<WidgetHost> {
  const mx = await startSimulator();
  const { guid: userGuid } = mx.state.createUser({ id: "u-1" });
  const server = createServer((req, res) => {
    const { searchParams } = new URL(req.url ?? "/", "http://host");
    res.setHeader("Content-Type", "text/html");
    res.setHeader("Referrer-Policy", searchParams.get("policy") ?? "");
    res.end(renderHost(searchParams.get("widget") ?? ""));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    mx,
    issueUrl(widgetType, options = {}, acceptLanguage = "en") {
      const given = { userGuid, widgetTypes: [widgetType], acceptLanguage };
      const { token } = mx.state.issueTicket({ ...given, options: { ...options } });
      return mx.widgetUrl + widgetPath(widgetType, token);
    },
    around(url, policy = "strict-origin-when-cross-origin") {
      return `http://localhost:${port}/?${new URLSearchParams({ widget: url, policy })}`;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await mx[Symbol.asyncDispose]();
    },
  };
}

function renderHost(url: string): string {
  return `<!doctype html><html lang="en"><title>Host</title><link rel="icon" href="data:,">
<script>
  var messages = [];
  addEventListener("message", ({ origin, data: { mx, type, metadata } }) => {
    if (mx === true) messages.push({ type, origin, metadata });
  });
</script>
<iframe title="widget" width="360" height="700" src="${url}"></iframe>
</html>`;
}
