/** The program with arguments, and what it takes from its environment before any code of ours runs. */

import { afterAll, describe, expect, it } from "vitest";
import { makeCertificates } from "../support/certificates.ts";
import { startFaultServer } from "../support/fault-server.ts";
import { runProgram, startServiceProcess } from "../support/program.ts";
import { startProxy } from "../support/proxy.ts";
import { startUpstreams } from "../support/start.ts";

const certificates = makeCertificates();
const upstreams = await startUpstreams();
const { mx, issuer, environment } = upstreams;
afterAll(async () => {
  await upstreams[Symbol.asyncDispose]();
  certificates[Symbol.dispose]();
});

describe("the program", () => {
  it.each([
    [["--check"], {}, 0, "stdout", /^ok {6}configuration$/m],
    [["--check"], { MX_PLATFORM_API_KEY: "canary" }, 1, "stdout", /^1 check failed\.$/m],
    [["--check", "--json"], { PORT: "canary" }, 2, "stdout", /^\{.*"ok": ?false/s],
    [["--user", "u-1"], {}, 0, "stdout", /u-1/],
    [["--canary"], {}, 64, "stderr", /--check/],
  ] as const)(
    "with %j and %j exits with %i and does not serve",
    async (args, changes, exit, stream, words) => {
      const ended = await runProgram({ args, environment: { ...environment(), ...changes } });

      expect(ended.code).toBe(exit);
      expect(ended[stream]).toMatch(words);
      expect(ended[stream === "stdout" ? "stderr" : "stdout"]).toBe("");
      expect(ended.stdout + ended.stderr).not.toContain("canary");
    },
  );

  it("trusts NODE_EXTRA_CA_CERTS and goes through HTTPS_PROXY", async () => {
    const upstream = mx.platformUrl;
    await using wire = await startFaultServer({ upstream, certificate: certificates.good });
    await using proxy = await startProxy();
    await using service = await startServiceProcess({
      ...environment(),
      MX_PLATFORM_BASE_URL: wire.url,
      HTTPS_PROXY: proxy.url,
      NODE_EXTRA_CA_CERTS: certificates.authorityFile,
    });

    const headers = { Authorization: `Bearer ${await issuer.issueToken("ada")}` };
    const { status } = await fetch(`${service.url}/session`, { method: "POST", headers });

    expect(status).toBe(200);
    expect(proxy.tunnels.length).toBeGreaterThan(0);
  });
});
