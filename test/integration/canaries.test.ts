/**
 * The search for markers finds what it is there to find. Every test that uses `start()` checks that there is nothing to
 * find, and test/release/canaries.test.ts does so for what a process writes.
 */

import { describe, expect, it } from "vitest";
import {
  encodingsOf,
  expectNoCanary,
  expectNoCanaryInAnswer,
  PEOPLE,
  SECRETS,
} from "../support/canaries.ts";
import { start } from "../support/start.ts";

const { apiKey } = SECRETS;
const BASIC = Buffer.from(`x:${apiKey}`);

const PLANTED: [string, string][] = [
  ["as it is", apiKey],
  ["in part", apiKey.slice(0, 20)],
  ["in capitals", apiKey.toUpperCase()],
  ["URL-encoded twice", encodeURIComponent(encodeURIComponent(`?k=${apiKey}`))],
  ["percent-encoded", Buffer.from(apiKey).toString("hex").replace(/../g, "%$&")],
  ["JSON in JSON", JSON.stringify(JSON.stringify({ key: apiKey }))],
  ["JSON escapes", [...apiKey].map((char) => `\\u00${char.charCodeAt(0).toString(16)}`).join("")],
  ["hex", BASIC.toString("hex")],
  ["hex in capitals", BASIC.toString("hex").toUpperCase()],
  ["a dump", BASIC.toString("hex").replace(/../g, "$& ")],
  [
    "an inspected buffer",
    String(
      BASIC.toJSON()
        .data.map((byte) => `\\x${byte.toString(16)}`)
        .join(""),
    ),
  ],
  ...["", "a", "ab", "abc"].flatMap((before): [string, string][] => [
    [`base64 after ${before.length} bytes`, Buffer.from(`${before}${apiKey}!`).toString("base64")],
    [
      `base64url after ${before.length} bytes`,
      Buffer.from(`${before}${apiKey}`).toString("base64url"),
    ],
  ]),
  ["a phone number", PEOPLE.ada?.phone_number ?? ""],
  ["a birthday", `born ${PEOPLE.grace?.birthdate}`],
  ["an address", Buffer.from(JSON.stringify(PEOPLE.linus)).toString("base64")],
  ["a guid of MX", "USR-0f8fad5b-d9cb-469f-a165-70867728950e"],
  ["a widget URL", "https://widgets.moneydesktop.com/md/connect/abc"],
  ["the token of a widget URL", "0123456789abcdef".repeat(6)],
];

describe("the search for markers", () => {
  it.each(PLANTED)("finds one that is planted: %s", (_what, leak) => {
    expect(() => expectNoCanary("the log", `{"msg":"x","y":"${leak}"}\n`)).toThrow(
      /^the log holds /,
    );
  });

  it("finds secrets that a test has made, in every encoding", () => {
    const secret = "p/w+with=odd & signs é";
    for (const texts of Object.values(encodingsOf(secret)))
      for (const leak of texts)
        expect(() => expectNoCanary("a metric", `x${leak}x`, [secret])).toThrow("a metric holds");
  });

  it("finds nothing in what is harmless", () => {
    const line = {
      level: "info",
      time: "2026-11-20T00:00:00.000Z",
      request_id: "0f8fad5b-d9cb-469f-a165-70867728950e",
      trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
      msg: "request",
    };
    expectNoCanary("the log", JSON.stringify(line));
  });

  it("lets a caller have the URL, in an answer of 200 and in its place alone", () => {
    const url = "https://widgets.moneydesktop.com/md/connect/abc";
    const body = { widget_url: { type: "connect_widget", url } };
    const answer = { status: 200, headers: {}, text: JSON.stringify(body) };
    expectNoCanaryInAnswer(answer);

    const leaks = [
      { ...answer, status: 502 },
      { ...answer, headers: { location: url } },
      { ...answer, text: JSON.stringify({ ...body, also: url }) },
    ];
    for (const leak of leaks) expect(() => expectNoCanaryInAnswer(leak)).toThrow("an answer");
  });

  it("fails the test of a service that has leaked", async () => {
    const service = await start();
    await service.post("ada");
    service.log.push(`{"authorization":"Basic ${BASIC.toString("base64")}"}\n`);

    await expect(service[Symbol.asyncDispose]()).rejects.toThrow("the log holds");
  });
});
