import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { queryObjects } from "node:v8";
import type { Request, Response } from "express";
import { expect, it } from "vitest";
import { jsonBody } from "../../../src/http/json-body.ts";

const MB = 1024 * 1024;

/** After a full collection, which this call makes. */
function keptBytes(): number {
  queryObjects(ArrayBuffer);
  return process.memoryUsage().arrayBuffers;
}

it("a body of unknown length is refused at 16 kB, and what follows is not kept", async () => {
  const refused = Promise.withResolvers<unknown>();
  const server = createServer((req, res) => {
    jsonBody(req as Request, res as Response, () => {}).catch(refused.resolve);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const headers = { "content-type": "application/json" };
  const sent = request({ host: "127.0.0.1", port, method: "POST", headers }).on("error", () => {});
  const chunk = Buffer.alloc(MB, " ");
  const before = keptBytes();

  for (let count = 0; count < 64; count += 1)
    await new Promise((resolve) => sent.write(chunk, resolve));

  expect(await refused.promise).toMatchObject({ code: "payload_too_large" });
  expect(keptBytes() - before).toBeLessThan(16 * MB);
  sent.destroy();
  server.close();
});
