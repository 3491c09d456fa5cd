/** No marker is in what a process writes, on stdout or on stderr. */

import { describe, expect, it } from "vitest";
import { expectNoCanary, expectNoCanaryInAnswer, SECRETS } from "../support/canaries.ts";
import { startServiceProcess } from "../support/program.ts";
import { startUpstreams } from "../support/start.ts";

const { apiKey } = SECRETS;

describe("a process", () => {
  it.each(["platform", "sso", "both"] as const)(
    "with the APIs %s prints no marker, whatever happens",
    async (apis) => {
      await using upstreams = await startUpstreams();
      const { mx, issuer } = upstreams;
      await using service = await startServiceProcess({
        LOG_LEVEL: "trace",
        ...upstreams.environment(apis),
      });
      const ask = async (body: string, token: string) => {
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
        const response = await fetch(`${service.url}/session`, { method: "POST", headers, body });
        const text = await response.text();
        expectNoCanaryInAnswer({ status: response.status, headers: [...response.headers], text });
        return response.status;
      };
      const token = await issuer.issueToken("ada");

      expect(await ask("{}", token)).toBe(200);
      expect(await ask(`{"password":"${apiKey}"`, token)).toBe(400);
      expect(await ask(`{"widget_url":{"locale":["${apiKey}"]}}`, token)).toBe(400);
      expect(await ask("{}", `${token}x`)).toBe(401);
      for (const status of [400, 401, 403, 500, 503]) {
        mx.failNext(
          { kind: "status", status, body: { error: `${apiKey} USR-1 ${SECRETS.ssoKey}` } },
          { times: 9 },
        );
        expect(await ask("{}", token)).toBeGreaterThanOrEqual(502);
        mx.clearFaults();
      }
      mx.failNext({ kind: "raw", body: `<html>${apiKey}` }, { times: 9 });
      expect(await ask("{}", token)).toBeGreaterThanOrEqual(502);
      mx.clearFaults();

      service.signal("SIGTERM");
      expect(await service.exited).toBe(0);
      expect(service.output().split("\n").length).toBeGreaterThan(9);
      expectNoCanary("stdout and stderr", service.output());
    },
  );
});
