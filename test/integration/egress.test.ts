/**
 * The way out: MX answers listed addresses only, so many operators send all calls through a forward proxy.
 *
 * Source: RFC 9110, section 9.3.6 (CONNECT).
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";
import { type Certificate, type Certificates, makeCertificates } from "../support/certificates.ts";
import { type FaultServer, startFaultServer, toHttp } from "../support/fault-server.ts";
import { BASIC, PASSWORD, startProxy, USER } from "../support/proxy.ts";
import { start } from "../support/start.ts";

let certificates: Certificates;
let mx: Simulator;
let trust: Disposable;

beforeAll(async () => {
  certificates = makeCertificates();
  trust = certificates.trust();
  mx = await startSimulator();
});
afterAll(async () => {
  await mx[Symbol.asyncDispose]();
  trust[Symbol.dispose]();
  certificates[Symbol.dispose]();
});
beforeEach(() => mx.calls.clear());

/** The service, which trusts the test's authority, in front of MX behind TLS. */
async function startOverTls(
  environment: Record<string, string>,
  choose: (all: Certificates) => Certificate = ({ good }) => good,
) {
  await using parts = new AsyncDisposableStack();
  const certificate = choose(certificates);
  const wire: FaultServer = parts.use(
    await startFaultServer({ upstream: mx.platformUrl, certificate }),
  );
  const service = parts.use(
    await start({ mx, environment: { MX_PLATFORM_BASE_URL: wire.url, ...environment } }),
  );
  const owned = parts.move();
  return {
    wire,
    ask: (subject: string) => service.post(subject),
    log: () => service.log.join(""),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function expectNoCredentials(text: string): void {
  for (const canary of [USER, PASSWORD, encodeURIComponent(PASSWORD), BASIC, "canary"]) {
    expect(text).not.toContain(canary);
  }
}

describe("calls to an MX behind https", () => {
  it("go through HTTPS_PROXY, with its credentials, in tunnels that are kept", async () => {
    await using proxy = await startProxy();
    await using way = await startOverTls({ HTTPS_PROXY: proxy.url });

    for (let time = 0; time < 5; time += 1) expect((await way.ask("ada")).status).toBe(200);

    expect(way.wire.operations()).toEqual([
      "platform.request_widget_url",
      "platform.create_user",
      ...Array(5).fill("platform.request_widget_url"),
    ]);
    const target = new URL(way.wire.url).host;
    expect(proxy.tunnels.length).toBeLessThanOrEqual(4); // For seven calls.
    for (const tunnel of proxy.tunnels) {
      expect(tunnel).toEqual({ target, authorization: `Basic ${BASIC}` });
    }
    expectNoCredentials(way.log());
  });

  it.each(["localhost", "example.com, localhost", "example.com localhost", ".LOCALHOST", "*"])(
    "go straight to where NO_PROXY (%s) says so",
    async (noProxy) => {
      await using proxy = await startProxy();
      await using way = await startOverTls({ HTTPS_PROXY: proxy.url, NO_PROXY: noProxy });

      expect((await way.ask("grace")).status).toBe(200);

      expect(proxy.tunnels).toEqual([]);
      expect(way.wire.requests.length).toBeGreaterThan(0);
    },
  );

  it("go through a proxy whose password has a % of its own", async () => {
    await using proxy = await startProxy();
    const url = Object.assign(new URL(proxy.url), { password: "canary-100%" });
    await using way = await startOverTls({ HTTPS_PROXY: url.href });

    expect((await way.ask("grace")).status).toBe(200);

    const basic = btoa(`${USER}:canary-100%`);
    expect(proxy.tunnels).toMatchObject([{ authorization: `Basic ${basic}` }]);
  });

  it("go through https_proxy in lower case", async () => {
    await using proxy = await startProxy();
    await using way = await startOverTls({ https_proxy: proxy.url, no_proxy: "10.0.0.0/8" });

    expect((await way.ask("grace")).status).toBe(200);

    expect(proxy.tunnels).toHaveLength(1);
  });

  it("go through it where NO_PROXY names others, or another port", async () => {
    await using proxy = await startProxy();
    const noProxy = "example.com,ocalhost,*.localhost,127.0.0.1,localhost:1";
    const environment = { HTTPS_PROXY: proxy.url, NO_PROXY: noProxy };
    await using way = await startOverTls(environment);

    expect((await way.ask("grace")).status).toBe(200);

    expect(proxy.tunnels).toHaveLength(1);
  });

  it.each([403, 407, 502])(
    "fail as 503 after two tries when the proxy answers %i to CONNECT",
    async (status) => {
      await using proxy = await startProxy({ status });
      await using way = await startOverTls({ HTTPS_PROXY: proxy.url });

      const answer = await way.ask("ada");

      expect([answer.status, answer.body.type]).toEqual([503, "/problems/upstream-unavailable"]);
      expect(answer.headers["retry-after"]).toMatch(/^([1-9]|[12]\d|30)$/);
      expect(proxy.tunnels).toHaveLength(2);
      expect(way.wire.connections.opened).toBe(0);
      expect(way.log()).toContain(`"upstream.reason":"proxy_${status}"`);
      expectNoCredentials(answer.text + way.log());
    },
  );

  it("fail as 503 when there is no proxy at its address", async () => {
    const proxy = await startProxy();
    await proxy[Symbol.asyncDispose]();
    await using way = await startOverTls({ HTTPS_PROXY: proxy.url });

    const answer = await way.ask("ada");

    expect([answer.status, answer.body.type]).toEqual([503, "/problems/upstream-unavailable"]);
    expect(way.wire.connections.opened).toBe(0);
    expectNoCredentials(answer.text + way.log());
  });

  it.each(["expired", "otherHost", "selfSigned"] as const)(
    "check MX's certificate through the proxy as well (%s): 502, not repeated",
    async (name) => {
      await using proxy = await startProxy();
      await using way = await startOverTls({ HTTPS_PROXY: proxy.url }, (all) => all[name]);

      const answer = await way.ask("ada");

      expect([answer.status, answer.body.type]).toEqual([502, "/problems/upstream-bad-response"]);
      expect(proxy.tunnels).toHaveLength(1);
      expect(mx.calls.count).toBe(0);
    },
  );

  it("are made over again in a new tunnel when the old one is cut off", async () => {
    await using proxy = await startProxy();
    await using way = await startOverTls({ HTTPS_PROXY: proxy.url });
    await way.ask("ada");
    const before = proxy.tunnels.length;
    await way.wire.refuse();
    await way.wire.listenAgain();

    expect((await way.ask("ada")).status).toBe(200);

    expect(proxy.tunnels).toHaveLength(before + 1);
  });

  it("survive MX's closing of tunnelled connections at the moment of reuse: 60 of 60", async () => {
    await using proxy = await startProxy();
    await using way = await startOverTls({ HTTPS_PROXY: proxy.url });
    await way.ask("ada");
    way.wire.misbehave(() => ({ kind: "stale", by: "fin" }));

    const statuses: number[] = [];
    for (let time = 0; time < 60; time += 1) statuses.push((await way.ask("ada")).status);

    expect(statuses).toEqual(Array(60).fill(200));
  });

  it("are never sent, and so repeated, when MX cuts the handshake off within the tunnel", async () => {
    await using proxy = await startProxy();
    await using way = await startOverTls({ HTTPS_PROXY: proxy.url });
    const absent = toHttp({}).replace("200 OK", "404 Not Found");
    way.wire.misbehave(({ number }) =>
      number === 1 ? { kind: "raw", text: absent, close: true } : undefined,
    );
    way.wire.welcome((number) => (number === 2 ? "close" : "serve"));

    expect((await way.ask("linus")).status).toBe(200);

    expect(way.wire.operations()).toEqual([
      "platform.request_widget_url",
      "platform.create_user",
      "platform.request_widget_url",
    ]);
  });
});
