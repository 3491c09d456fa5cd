/**
 * embed.js as pages of any origin get it.
 */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Started, start } from "../support/start.ts";

let service: Started;
beforeAll(async () => {
  service = await start();
});
afterAll(() => service[Symbol.asyncDispose]());

const read = (path: string) => service.check(request(service.url).get(path));

describe("GET /embed.js", () => {
  it("is a script that pages of every origin may load, and that is asked for again", async () => {
    const response = await read("/embed.js");

    expect(response.status).toBe(200);
    expect(response.headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=300",
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
      "x-content-type-options": "nosniff",
      vary: "Accept-Encoding",
    });
    expect(response.text).toContain("openWidget");
  });

  it("costs no body while it is the same", async () => {
    const { headers } = await read("/embed.js");
    const again = request(service.url)
      .get("/embed.js")
      .set("If-None-Match", headers.etag ?? "");

    const response = await service.check(again);
    expect(response.status).toBe(304);
    expect(response.text).toBe("");
    expect(response.headers["access-control-allow-origin"]).toBe("*");
  });

  it.each(["gzip", "identity"])("comes whole with Accept-Encoding: %s", async (encoding) => {
    const { text } = await read("/embed.js");
    const response = await fetchRaw("/embed.js", encoding);

    expect(response.encoding).toBe(encoding === "gzip" ? "gzip" : undefined);
    const body = encoding === "gzip" ? gunzipSync(response.body) : response.body;
    expect(body.toString()).toBe(text);
  });

  it("takes eight kilobytes at most on its way", async () => {
    const { body } = await fetchRaw("/embed.js", "gzip");
    expect(body.length).toBeLessThanOrEqual(8192);
  });
});

describe("the embed.js that is kept for ever", () => {
  it("has the name and the integrity that /embed.json says", async () => {
    const { url, integrity } = (await read("/embed.json")).body;
    const response = await read(url);

    expect(response.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect(response.text).toBe((await read("/embed.js")).text);
    const digest = createHash("sha384").update(response.text).digest("base64");
    expect(integrity).toBe(`sha384-${digest}`);
  });

  it("is not found under the name of other content, nor kept as such", async () => {
    const response = await read("/embed.0123456789abcdef.js");

    expect(response.status).toBe(404);
    expect(response.body.detail).toContain("/embed.json");
    expect(response.headers["cache-control"]).toBe("no-store");
  });
});

it("/embed.d.ts has the types", async () => {
  expect((await read("/embed.d.ts")).text).toContain("export declare function openWidget");
});

it("has routes of its own in the log, whatever the name", async () => {
  for (const path of ["/embed.js", "/embed.json", "/embed.whatever", "/embed.0123456789abcdef.js"])
    await read(path);
  const routes = service.log.map((line) => JSON.parse(line)["http.route"]).filter(Boolean);
  expect(new Set(routes.slice(-4))).toEqual(
    new Set(["/embed.js", "/embed.json", "/embed.{hash}.js"]),
  );
});

/** The body as it travels. */
async function fetchRaw(path: string, encoding: string) {
  const call = get(service.url + path, { headers: { "Accept-Encoding": encoding } });
  const [response] = (await once(call, "response")) as [IncomingMessage];
  return { encoding: response.headers["content-encoding"], body: await buffer(response) };
}
