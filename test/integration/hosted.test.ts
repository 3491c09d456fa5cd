/** The page for phones as it is served. What it does is in test/release/hosted.test.ts. */

import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Started, start } from "../support/start.ts";

const NAME = `</script><b>"A&B"</b> $& __NAME__`;

let service: Started;
let without: Started;
beforeAll(async () => {
  without = await start();
  service = await start({
    mx: without.mx,
    issuer: without.issuer,
    environment: {
      HOSTED_NAME: NAME,
      CLIENT_REDIRECT_URLS: "mybank://done",
      WIDGET_URL_ORIGINS: "https://widgets.example.com,https://widgets.example.org:8443",
      HSTS_MAX_AGE: "60",
    },
  });
});
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await without?.[Symbol.asyncDispose]();
});

const read = (path: string) => service.check(request(service.url).get(path));

describe("GET /hosted", () => {
  it.each(["/hosted", "/hosted.js"])("is not there without HOSTED_NAME: %s", async (path) => {
    const response = await without.check(request(without.url).get(path));
    expect(response.status).toBe(404);
    expect(response.body.type).toBe("/problems/not-found");
  });

  it("frames only the widgets' hosts, runs only its own script, and is framed by nobody", async () => {
    const { status, headers } = await read("/hosted");
    expect(status).toBe(200);
    const policy = new Map(
      String(headers["content-security-policy"])
        .split("; ")
        .map((directive) => {
          const [name = "", ...values] = directive.split(" ");
          return [name, values.join(" ")];
        }),
    );
    expect(Object.fromEntries(policy)).toEqual({
      "default-src": "'none'",
      "script-src": "'self'",
      "style-src": expect.stringMatching(/^'sha256-[\w+/]{43}='$/),
      "img-src": "data:",
      "frame-src": "https://widgets.example.com https://widgets.example.org:8443",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
      "require-trusted-types-for": "'script'",
      "trusted-types": "'none'",
    });
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cross-origin-opener-policy": "same-origin-allow-popups",
      "referrer-policy": "no-referrer",
      "strict-transport-security": "max-age=60",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
    expect(headers).not.toHaveProperty("set-cookie");
    expect(headers).not.toHaveProperty("access-control-allow-origin");
  });

  it("shows the partner's name as text, whatever is in it", async () => {
    const { text } = await read("/hosted");
    expect(text).toContain(`<title>&lt;/script>&lt;b>"A&amp;B"&lt;/b> $&amp; __NAME__</title>`);
    const [, data = ""] = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(text) ?? [];
    expect(JSON.parse(data)).toEqual({
      name: NAME,
      redirects: ["mybank://done"],
      frameOrigins: ["https://widgets.example.com", "https://widgets.example.org:8443"],
    });
  });

  it("is the same for everybody, with a token and without", async () => {
    const { text } = await read("/hosted");
    const authorization = await service.bearer("ada");
    const again = request(service.url).get("/hosted?user=ada").set("Authorization", authorization);
    expect((await service.check(again)).text).toBe(text);
  });

  it.each([
    ["POST", 405],
    ["PUT", 405],
    ["HEAD", 200],
  ])("answers %s with %i", async (method, status) => {
    const response = await fetch(`${service.url}/hosted`, { method });
    expect(response.status).toBe(status);
    if (status === 405) expect(response.headers.get("Allow")).toBe("GET, HEAD");
  });

  it.each(["/hosted/", "/hosted.html", "/Hosted", "/hosted.js/x"])(
    "is not there as %s",
    async (path) => {
      expect((await read(path)).status).toBe(404);
    },
  );

  it("stands in the log by its path alone", async () => {
    await read("/hosted?url=https://widgets.example.com/md/x");
    await read("/hosted.js");
    const routes = service.log.map((line) => JSON.parse(line)["http.route"]).filter(Boolean);
    expect(routes.slice(-2)).toEqual(["/hosted", "/hosted.js"]);
    expect(service.log.join("")).not.toContain("/md/x");
  });
});
