/**
 * Seeded random requests that mean harm, through the whole service over real sockets.
 *
 * `npm test` sends some thousands of them, `npm run test:slow` ten thousand of each kind.
 */

import { once } from "node:events";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import fc from "fast-check";
import { expect } from "vitest";
import { codePoint } from "./code-point.ts";
import type { Started } from "./start.ts";

const SEED = 20_261_120;
const AT_ONCE = 16;

export type Answer = { status: number; headers: IncomingHttpHeaders; text: string };

type Options = { method?: string; path?: string; headers?: Record<string, string> };

/** Bytes of headers are sent as Latin-1, as Node reads them. */
export function createClient(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const { hostname, port } = new URL(url);
  return {
    async send({ method = "POST", path = "/session", headers = {} }: Options): Promise<Answer> {
      const sent = request({ agent, hostname, port, method, path, headers });
      sent.end();
      const [answer] = await once(sent, "response");
      const chunks = await answer.toArray();
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: Buffer.concat(chunks).toString(),
      };
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

export type Client = ReturnType<typeof createClient>;

/** Runs `act` on `count` seeded values, some at a time. */
export async function forEachOf<T>(
  values: fc.Arbitrary<T>,
  count: number,
  act: (value: T, index: number) => Promise<void>,
): Promise<void> {
  const all = fc.sample(values, { seed: SEED, numRuns: count });
  let next = 0;
  const work = async () => {
    while (next < all.length) {
      const index = next++;
      await act(all[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

const FRAGMENTS = [
  "..",
  ".",
  "/",
  "\\",
  "%2e%2e",
  "%2F",
  "%00",
  "\0",
  "?k=",
  "&c=",
  "#",
  ";",
  ":",
  "@",
  "|",
  " ",
  "\t",
  "\r\n",
  "\u0085",
  "\u2028",
  "\u202e",
  "\ufeff",
  "\ud83d\ude00",
  "\ud800",
  "\u0430da",
  "é",
  "e\u0301",
  "USR-",
  "usr-",
  "MBR-",
  "CLT-",
  "M-",
  "U-",
  "ada",
  "ADA",
  "eve",
  "null",
  "undefined",
  "NaN",
  "true",
  "false",
  "__proto__",
  "constructor",
  "toString",
  "%24{jndi:ldap://x}",
  "{{7*7}}",
  "<script>",
  "'--",
  '"',
  "\u001b[31m",
  '","level":"fatal',
  "-",
  "_",
  "auth0|1",
  "a@b.example",
  "0",
  "-1",
  "1e9",
];

/** Random text, pieces of attacks, both in a row, and very long ones. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(fc.constantFrom(...FRAGMENTS), { maxLength: 5 })
      .map((parts) => parts.join("")),
  },
  { weight: 2, arbitrary: fc.string({ unit: codePoint, maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ unit: "grapheme-ascii", maxLength: 140 }) },
  { weight: 2, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/) },
  { weight: 1, arbitrary: fc.integer({ min: 120, max: 300 }).map((length) => "a".repeat(length)) },
);

/** What can stand in a header: every byte but the ones that HTTP ends it with. */
const headerValue = hostileText.map((text) =>
  Buffer.from(text.toWellFormed())
    .toString("latin1")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is not allowed
    .replace(/[\x00-\x08\x0a-\x1f\x7f]/g, "")
    .slice(0, 2000),
);

const HEADER_NAMES = [
  "x-request-id",
  "traceparent",
  "tracestate",
  "user-agent",
  "accept-language",
  "accept",
  "referer",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "forwarded",
  "x-real-ip",
  "x-http-method-override",
  "x-callback-payload",
  "x-csrf",
  "sec-fetch-site",
  "origin",
  "cookie",
  "x-original-url",
  "__proto__",
  "constructor",
  "via",
  "range",
  "if-none-match",
  "x-user-id",
  "x-mx-user-guid",
  "host",
  "content-type",
];

export const hostileHeaders: fc.Arbitrary<Record<string, string>> = fc.dictionary(
  fc.constantFrom(...HEADER_NAMES),
  headerValue,
  { minKeys: 1, maxKeys: 8, noNullPrototype: true },
);

/** A target as a client can send it: what is no visible ASCII is percent-encoded. */
export const hostilePath: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom("/", "/session", "/session/", "/problems/", "//", "/users/", "/session?"),
    hostileText,
  )
  .map(([start, text]) => start + text.toWellFormed().replace(/[^!-~]/gu, encodeURIComponent));

/** Whoever `subject` is, the URL is his own. Gives the MX id, where there is a URL. */
export function expectOwnUser(service: Started, answer: Answer): string | undefined {
  if (answer.status !== 200) return undefined;
  const { url } = JSON.parse(answer.text).widget_url;
  const ticket = service.mx.state.widgetTickets.get(url.split("/").at(-1));
  return service.mx.state.users.get(ticket?.userGuid ?? "")?.id ?? "";
}

const ROUTES = [
  "/",
  "/session",
  "/user/widget_urls",
  "/openapi.yaml",
  "/problems/{name}",
  "unmatched",
];
const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "TRACE",
  "CONNECT",
  "_OTHER",
];

/** One line of JSON for each request, with methods and routes of a closed set. */
export async function expectWholeLog(service: Started, requests: number): Promise<void> {
  const entries = () => service.log.map((line) => JSON.parse(line));
  const ofRequests = () => entries().filter(({ msg }) => msg === "request");
  await expect.poll(() => ofRequests().length).toBe(requests); // A line comes after its answer.
  for (const line of service.log) expect(line.indexOf("\n")).toBe(line.length - 1);
  for (const entry of ofRequests()) {
    expect(ROUTES).toContain(entry["http.route"]);
    expect(METHODS).toContain(entry["http.request.method"]);
    expect(entry.request_id).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
  }
}

/** Series of metrics that come from requests; none where the service has no metrics. */
export async function expectFewSeries(service: Started): Promise<void> {
  const response = await fetch(`${service.operationsUrl}/metrics`);
  const lines = response.ok ? (await response.text()).split("\n") : [];
  expect(
    lines.filter((line) => /^\w/.test(line) && !/_bucket\{/.test(line)).length,
  ).toBeLessThanOrEqual(200);
}
