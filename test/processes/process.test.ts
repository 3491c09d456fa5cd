/**
 * The service as an operator runs it: a process, its environment, its signals.
 */

import { describe, expect, it } from "vitest";
import { expectNoCanary, SECRETS } from "../support/canaries.ts";
import { runProgram, startServiceProcess } from "../support/program.ts";
import { fetchChecked, startUpstreams } from "../support/start.ts";

describe("the process", () => {
  it("refuses a faulty configuration, with all faults by name and no value", async () => {
    const { code, stderr: errors } = await runProgram({
      environment: {
        PORT: "canary-port",
        MX_PLATFORM_API_KEY: "canary-key",
        MX_SSO_BASE_URL: "http://canary.example",
        AUTH_ISSUER: "canary-issuer",
      },
    });

    expect(code).toBe(1);
    for (const name of [
      "PORT",
      "MX_PLATFORM_CLIENT_ID",
      "MX_SSO_BASE_URL",
      "AUTH_ISSUER",
      "AUTH_AUDIENCE",
    ]) {
      expect(errors).toContain(name);
    }
    expect(errors).not.toContain("canary");
  });

  it("logs a hundred first logins at once, each change and each end, and complains of nothing", async () => {
    await using upstreams = await startUpstreams();
    await using service = await startServiceProcess(upstreams.environment());
    const tokens = await Promise.all(
      Array.from({ length: 100 }, (_, index) => upstreams.issuer.issueToken(`user-${index}`)),
    );
    const answers = await Promise.all(
      tokens.map((token) =>
        fetchChecked(`${service.url}/session`, {
          method: "POST",
          headers: { Authorization: `Bearer ${token}` },
        }),
      ),
    );
    service.signal("SIGTERM");

    expect([await service.exited, service.stderr()]).toEqual([0, ""]);
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    const events = service
      .stdout()
      .trim()
      .split("\n")
      .map((line): string => JSON.parse(line)["event.name"]);
    const count = (event: string) => events.filter((each) => each === event).length;
    expect([count("mx.user.created"), count("session.opened")]).toEqual([100, 100]);
    expect(events.at(-1)).toBe("service.stopped");
  });

  it("prints nothing of an exception that nobody caught, answers what is in flight, and exits with 1", async () => {
    await using upstreams = await startUpstreams();
    const { mx, issuer } = upstreams;
    const thrown = `Object.assign(new Error("${SECRETS.apiKey}"), { headers: "${SECRETS.ssoKey}", cause: new Error("${SECRETS.apiKey}") })`;
    const script = `process.on("SIGUSR2", () => { throw ${thrown}; });`;
    await using service = await startServiceProcess(
      { ...upstreams.environment(), DRAIN_DELAY: "100ms" },
      { flags: ["--import", `data:text/javascript,${encodeURIComponent(script)}`] },
    );
    const headers = { Authorization: `Bearer ${await issuer.issueToken("ada")}` };
    mx.settings.latencyMs = 200;
    const inFlight = fetchChecked(`${service.url}/session`, { method: "POST", headers });
    await expect.poll(() => mx.calls.count).toBeGreaterThan(0);

    service.signal("SIGUSR2");

    expect((await inFlight).status).toBe(200);
    expect(await service.exited).toBe(1);
    expect(service.stdout()).toMatch(/"level":"error".*"error.name":"Error".*"msg":"fault"/);
    expectNoCanary("stdout and stderr", service.output());
  });
});
