/**
 * What goes wrong between MX and us: each fault has its own answer, number of calls and bound in time, and leaves at most
 * one User and one Member behind. Faults that are whole HTTP answers stand in resilience.test.ts.
 *
 * Time passes only where a test lets it (clock.ts). The rows of a table share a service, each with a user of its own.
 */

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import request, { type Response } from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startIdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import type { Operation } from "../../packages/simulator/src/operation.ts";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import type { Environment } from "../../src/config/variables.ts";
import { type Certificate, type Certificates, makeCertificates } from "../support/certificates.ts";
import { type Clock, letTimePass, stopClock } from "../support/clock.ts";
import { rowsOf, runsOf } from "../support/exhaustive.ts";
import {
  type ChooseFault,
  type FaultServer,
  type Misbehaviour,
  type StartedBehindFaults,
  startBehindFaults,
  startFaultServer,
  toHttp,
} from "../support/fault-server.ts";
import {
  type AskedSession,
  askSessions,
  countByStatus,
  ownerOf,
  subjectsOf,
} from "../support/sessions.ts";
import { type Started, start } from "../support/start.ts";

const ALWAYS = Number.POSITIVE_INFINITY;
/** For tests in which one user asks again and again. */
const UNLIMITED = { RATE_LIMIT_USER: "100000/1s" };
/** A request may take that much longer than its deadline. */
const GRACE_MS = 250;

function expectProblem(response: Response, status: number, type: string): void {
  expect([response.status, response.body.type]).toEqual([status, `/problems/${type}`]);
}

/** 503, with a time to try again that a caller can bear. */
function expectUnavailable(response: Response): void {
  expectProblem(response, 503, "upstream-unavailable");
  expect(response.headers["retry-after"]).toMatch(/^([1-9]|[12]\d|30)$/);
}

let clock: Clock;
beforeAll(() => {
  clock = stopClock();
});
afterAll(() => clock[Symbol.dispose]());

type Apis = "platform" | "sso" | "both" | "v3" | "v3-members";
type Wire = "platform" | "sso" | "mdx";
const WITH_MEMBERS: Apis[] = ["sso", "both", "v3-members"];

/** A service for each `apis`, behind a wire that works again, and a user whom it does not know yet. */
function shareServices(environment?: Environment) {
  const services = new Map<Apis, StartedBehindFaults>();
  let users = 0;
  afterAll(async () => {
    for (const service of services.values()) await service[Symbol.asyncDispose]();
  });

  return async function setUp(apis: Apis, wireOf: Wire = apis === "platform" ? apis : "sso") {
    const service =
      services.get(apis) ??
      (await startBehindFaults({ apis, environment: { ...UNLIMITED, ...environment } }));
    services.set(apis, service);
    const wires = [service.platform, service.sso, service.mdx];
    for (const wire of wires) {
      await wire.listenAgain();
      wire.reset();
    }
    await clock.advance(FORGOTTEN_MS);
    users += 1;
    const subject = `user-${users}`;
    const { mx } = service;
    const before = { ...mx.state.created };
    return {
      service,
      mx,
      subject,
      wire: service[wireOf],
      /** Of all wires, in no order. */
      operations: () => wires.flatMap((wire) => wire.operations()).sort(),
      misbehave: (choose: ChooseFault) => {
        for (const wire of wires) wire.misbehave(choose);
      },
      login: () => clock.run(service.post(subject)),
      expectMadeOnce() {
        expect(mx.state.created.users - before.users).toBe(1);
        expect(mx.state.created.members - before.members).toBe(WITH_MEMBERS.includes(apis) ? 1 : 0);
      },
    };
  };
}

/** Breaker and retry budget look back ten seconds. */
const FORGOTTEN_MS = 11_000;

/** What the last request has paid for, from the log. */
function callsOfLastRequest(service: Started): number {
  return JSON.parse(service.log.at(-1) ?? "{}")["mx.calls"];
}

/** As `askSessions`, in as much time as it takes. */
function askAll(...all: Parameters<typeof askSessions>): Promise<AskedSession[]> {
  return letTimePass(askSessions(...all));
}

/** What follows happens to new connections. */
async function disconnect(wire: FaultServer): Promise<void> {
  await wire.refuse();
  await wire.listenAgain();
}

/** The first `times` calls of this operation. */
function hitting(operation: Operation, fault: Misbehaviour, times = 1) {
  let left = times;
  return (request: { operation: string }) =>
    request.operation === operation && left-- > 0 ? fault : undefined;
}

describe("POST /session when MX", () => {
  const setUp = shareServices();

  type Case = {
    name: string;
    arrange: (wire: FaultServer) => unknown;
    /** Whether calls reach MX at all. */
    isSeen: boolean;
  };
  const misbehaving = (fault: Misbehaviour) => (wire: FaultServer) => wire.misbehave(() => fault);
  const welcoming = (welcome: "close" | "reset") => async (wire: FaultServer) => {
    await disconnect(wire);
    wire.welcome(() => welcome);
  };
  const inAChunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{";
  const CASES: Case[] = [
    { name: "refuses connections", arrange: (wire) => wire.refuse(), isSeen: false },
    { name: "accepts, then ends", arrange: welcoming("close"), isSeen: false },
    { name: "accepts, then resets", arrange: welcoming("reset"), isSeen: false },
    { name: "reads, then ends", arrange: misbehaving({ kind: "fin" }), isSeen: true },
    { name: "reads, then resets", arrange: misbehaving({ kind: "reset" }), isSeen: true },
    {
      name: "does it, then ends",
      arrange: misbehaving({ kind: "fin", applied: true }),
      isSeen: true,
    },
    {
      name: "does it, then resets",
      arrange: misbehaving({ kind: "reset", applied: true }),
      isSeen: true,
    },
    {
      name: "ends within the status line",
      arrange: misbehaving({ kind: "raw", text: "HTTP/1.1 2", close: true }),
      isSeen: true,
    },
    {
      name: "ends within the headers",
      arrange: misbehaving({ kind: "truncate", of: "head" }),
      isSeen: true,
    },
    {
      name: "ends within the body",
      arrange: misbehaving({ kind: "truncate", of: "body" }),
      isSeen: true,
    },
    {
      name: "ends within a chunk",
      arrange: misbehaving({ kind: "raw", text: inAChunk, close: true }),
      isSeen: true,
    },
  ];
  /** One URL request, tried twice; two reads side by side, each tried three times; and one beside a URL that is given. */
  const ROWS: { apis: Apis; wireOf?: Wire; calls: number; others?: number }[] = [
    { apis: "platform", calls: 2 },
    { apis: "sso", calls: 6 },
    { apis: "v3", calls: 2 },
    { apis: "v3-members", wireOf: "mdx", calls: 3, others: 1 },
  ];

  it.each(
    ROWS.flatMap((row) =>
      rowsOf(CASES, row === ROWS[0] ? 4 : 2).map((each) => ({ ...row, ...each })),
    ),
  )(
    "$name ($apis): 503 after $calls calls",
    async ({ apis, wireOf, calls, others = 0, arrange, isSeen }) => {
      const { service, wire, login, expectMadeOnce } = await setUp(apis, wireOf);
      await login();
      wire.reset();
      await arrange(wire);

      const { result } = await login();

      expectUnavailable(result);
      // Of two reads side by side, the other one may still have a try when the first one has failed.
      expect(callsOfLastRequest(service)).toBeGreaterThanOrEqual(apis === "sso" ? 4 : calls);
      // Resets may be told before a byte was sent and after: each kind has tries of its own.
      expect(callsOfLastRequest(service)).toBeLessThanOrEqual(isSeen ? calls + others : 10);
      await clock.advance(1000);
      expect(wire.requests).toHaveLength(isSeen ? calls : 0);

      wire.reset();
      await wire.listenAgain();
      expect((await login()).result.status).toBe(200);
      expectMadeOnce();
    },
  );
});

describe("POST /session when MX takes too long", () => {
  const DEADLINE_MS = 1000; // The shortest there is.
  const setUp = shareServices({ REQUEST_DEADLINE: `${DEADLINE_MS}ms` });

  type Case = { name: string; arrange: (wire: FaultServer) => unknown };
  const CASES: Case[] = [
    {
      name: "accepts and is silent",
      async arrange(wire) {
        await disconnect(wire);
        wire.welcome(() => "hold");
      },
    },
    { name: "reads and is silent", arrange: (wire) => wire.misbehave(() => ({ kind: "silence" })) },
    {
      name: "does it and is silent",
      arrange: (wire) => wire.misbehave(() => ({ kind: "silence", applied: true })),
    },
    {
      name: "drips its answer",
      arrange: (wire) => wire.misbehave(() => ({ kind: "drip", bytes: 1, everyMs: 20 })),
    },
    {
      name: "drips the body of its answer",
      arrange(wire) {
        const text = `HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n{`;
        wire.misbehave(() => ({ kind: "raw", text }));
      },
    },
  ];

  const ROWS: { apis: Apis; wireOf?: Wire; calls: number }[] = [
    { apis: "platform", calls: 1 },
    { apis: "sso", calls: 2 },
    { apis: "v3", calls: 1 },
    { apis: "v3-members", wireOf: "mdx", calls: 2 },
  ];

  it.each(
    ROWS.flatMap((row) =>
      rowsOf(CASES, row === ROWS[0] ? 4 : 2).map((each) => ({ ...row, ...each })),
    ),
  )("$name ($apis): 504 at the deadline", async ({ apis, wireOf, calls, arrange }) => {
    const { service, wire, login, expectMadeOnce } = await setUp(apis, wireOf);
    await login();
    wire.reset();
    await arrange(wire);

    const { result, ms } = await login();

    expectProblem(result, 504, "upstream-timeout");
    expect(ms).toBeGreaterThanOrEqual(DEADLINE_MS);
    expect(ms).toBeLessThan(DEADLINE_MS + GRACE_MS);
    expect(callsOfLastRequest(service)).toBe(calls);

    await disconnect(wire);
    wire.reset();
    expect((await login()).result.status).toBe(200);
    expectMadeOnce();
  });

  it.each([
    { apis: "platform", calls: ["platform.request_widget_url", "platform.create_user"] },
    { apis: "sso", calls: ["sso.read_user", "sso.read_member", "sso.create_user"] },
    { apis: "v3", calls: ["sso_v3.request_widget_url", "mdx.create_user"] },
    {
      apis: "v3-members",
      calls: ["sso_v3.request_widget_url", "mdx.read_member", "mdx.create_user"],
    },
  ] as const)(
    "over several calls ($apis): 504, and no call starts in the last 250 ms",
    async ({ apis, calls }) => {
      const { misbehave, operations, login, expectMadeOnce } = await setUp(apis);
      misbehave(() => ({ kind: "delay", ms: 400 }));

      const { result, ms } = await login();

      expectProblem(result, 504, "upstream-timeout");
      expect(ms).toBeLessThan(DEADLINE_MS + GRACE_MS);
      await clock.advance(1000); // Whatever would still be sent has been sent.
      expect(operations()).toEqual([...calls].sort());

      misbehave(() => undefined);
      expect((await login()).result.status).toBe(200);
      expectMadeOnce();
    },
  );
});

describe("POST /session when MX's answer is not acceptable HTTP", () => {
  const setUp = shareServices();
  const say = (text: string | Buffer, close = false): Misbehaviour => ({
    kind: "raw",
    text,
    close,
  });
  const head = (...lines: string[]) => `${["HTTP/1.1 200 OK", ...lines].join("\r\n")}\r\n\r\n`;
  const json = "content-type: application/json";
  const chunked = "transfer-encoding: chunked";
  const body = '{"widget_url":{"url":"https://canary.example/"}}';
  const length = `content-length: ${body.length}`;
  const CASES: [string, Misbehaviour][] = [
    ["another protocol", say("SSH-2.0-canary\r\n")],
    ["another protocol, then the end", say("220 canary ESMTP\r\n", true)],
    ["HTTP/2 frames", say(Buffer.from("000000040000000000", "hex"))],
    ["HTTP/9.9", say(`HTTP/9.9 200 OK\r\n${length}\r\n\r\n${body}`)],
    ["two lengths", say(head(json, length, "content-length: 7") + body)],
    ["a length and chunks", say(`${head(json, length, chunked)}30\r\n${body}\r\n0\r\n\r\n`)],
    ["a negative length", say(head(json, "content-length: -1") + body)],
    ["a chunk size that is no number", say(`${head(json, chunked)}canary\r\n${body}\r\n0\r\n\r\n`)],
    ["a NUL in a header", say(head(json, "x-canary: a\0b", length) + body)],
    [
      "headers of 100 kB",
      say(head(json, ...Array(100).fill(`x: ${"canary".repeat(170)}`), length) + body),
    ],
    [
      "gzip",
      say(
        Buffer.concat([
          Buffer.from(head(json, "content-encoding: gzip", chunked)),
          toChunk(gzipSync(body)),
        ]),
      ),
    ],
    ["gzip that is none", say(head(json, "content-encoding: gzip", length) + body)],
    ["100 kB with a length", say(toHttp(`"${"canary".repeat(17_000)}"`))],
    ["1 MB in chunks", say(head(json, chunked) + `8000\r\n${"x".repeat(0x8000)}\r\n`.repeat(32))],
    ["100 kB until the end", say(head(json) + "canary".repeat(17_000), true)],
    [
      "a redirect",
      say(`HTTP/1.1 307 Temporary Redirect\r\nlocation: /users/canary\r\n${length}\r\n\r\n${body}`),
    ],
  ];

  it.each(
    (["platform", "v3"] as const).flatMap((apis) => CASES.map((each) => [apis, ...each] as const)),
  )("(%s, %s): 502, not repeated, not shown, not logged", async (apis, _name, fault) => {
    const { service, wire, login, expectMadeOnce } = await setUp(apis);
    await login();
    wire.reset();
    wire.misbehave(() => fault);

    const { result, ms } = await login();

    expectProblem(result, 502, "upstream-bad-response");
    expect(wire.requests).toHaveLength(1);
    expect(ms).toBe(0);
    expect(`${result.text}${JSON.stringify(result.headers)}${service.log.join("")}`).not.toMatch(
      /canary|xxxx/i,
    );

    wire.reset();
    expect((await login()).result.status).toBe(200);
    expectMadeOnce();
  });

  it.each([
    ["sso", "sso", "sso.create_user", ["sso.create_user"]],
    ["sso", "sso", "sso.create_member", ["sso.create_user", "sso.create_member"]],
    ["v3", "mdx", "mdx.create_user", ["mdx.create_user"]],
    ["v3-members", "mdx", "mdx.create_member", ["mdx.create_user", "mdx.create_member"]],
  ] as const)(
    "(%s, %s) to %s: 502, not repeated, and the next login heals it",
    async (apis, wireOf, operation, creates) => {
      const { wire, login, expectMadeOnce } = await setUp(apis, wireOf);
      wire.misbehave(
        hitting(operation, { kind: "raw", text: "SSH-2.0-canary\r\n", applied: true }),
      );

      expectProblem((await login()).result, 502, "upstream-bad-response");
      expect(wire.operations().filter((each) => each.includes("create"))).toEqual(creates);

      expect((await login()).result.status).toBe(200);
      expectMadeOnce();
    },
  );
});

function toChunk(bytes: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from("\r\n0\r\n\r\n"),
  ]);
}

describe("POST /session when MX's certificate", () => {
  let certificates: Certificates;
  let trust: Disposable;

  beforeAll(() => {
    certificates = makeCertificates();
    trust = certificates.trust();
  });
  afterAll(() => {
    trust[Symbol.dispose]();
    certificates[Symbol.dispose]();
  });

  async function startOverTls(choose: (all: Certificates) => Certificate) {
    await using parts = new AsyncDisposableStack();
    const mx = parts.use(await startSimulator());
    const certificate = choose(certificates);
    const wire = parts.use(await startFaultServer({ upstream: mx.platformUrl, certificate }));
    const environment = { MX_PLATFORM_BASE_URL: wire.url };
    const started = parts.use(await start({ mx, environment }));
    await clock.until(() => wire.connections.opened === 2); // Ahead of requests (warm-sockets.ts).
    wire.reset();
    const owned = parts.move();
    return { ...started, wire, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  it("is good: 200", async () => {
    await using service = await startOverTls(({ good }) => good);

    const response = await service.post("ada");

    expect(response.status).toBe(200);
    expect(response.body.widget_url.url).toMatch(/^https:/);
  });

  it.each(["expired", "otherHost", "selfSigned"] as const)(
    "is not (%s): 502 after one connection, and no byte of the call is sent",
    async (name) => {
      await using service = await startOverTls((all) => all[name]);

      const { result, ms } = await clock.run(service.post("ada"));

      expectProblem(result, 502, "upstream-bad-response");
      expect(service.wire.connections.opened).toBe(1);
      expect(callsOfLastRequest(service)).toBe(1);
      expect(service.wire.requests).toHaveLength(0);
      expect(service.mx.calls.count).toBe(0);
      expect(ms).toBe(0);
    },
  );

  it("never comes, because the handshake is cut off: 503 after 2 calls", async () => {
    await using service = await startOverTls(({ good }) => good);
    await service.wire.refuse(); // What was opened ahead is gone too.
    await service.wire.listenAgain();
    service.wire.welcome(() => "close");

    expectUnavailable(await service.post("ada"));
    expect(service.wire.connections.opened).toBe(2);
    expect(callsOfLastRequest(service)).toBe(2);
  });

  it("never comes once, for a create: it is repeated without a read, since no byte was sent", async () => {
    await using service = await startOverTls(({ good }) => good);
    const absent = toHttp({}).replace("200 OK", "404 Not Found");
    service.wire.misbehave(({ number }) =>
      number === 1 ? { kind: "raw", text: absent, close: true } : undefined,
    );
    service.wire.welcome((number) => (number === 2 ? "close" : "serve"));

    expect((await service.post("ada")).status).toBe(200);

    expect(service.wire.operations()).toEqual([
      "platform.request_widget_url",
      "platform.create_user",
      "platform.request_widget_url",
    ]);
    expect(service.mx.state.created.users).toBe(1);
  });
});

describe("a first login", () => {
  const setUp = shareServices();

  type Row = {
    apis: Apis;
    operation: Operation;
    read: Operation;
    wireOf?: Wire;
    /** Creates that follow. */
    next?: Operation[];
  };
  const mdx = { apis: "v3-members", wireOf: "mdx" } as const;
  const ROWS: Row[] = [
    { apis: "platform", operation: "platform.create_user", read: "platform.read_user" },
    ...(["sso", "both"] as const).flatMap((apis): Row[] => [
      {
        apis,
        operation: "sso.create_user",
        read: "sso.read_user",
        next: ["sso.create_member"],
      },
      { apis, operation: "sso.create_member", read: "sso.read_member" },
    ]),
    { ...mdx, apis: "v3", operation: "mdx.create_user", read: "mdx.read_user" },
    {
      ...mdx,
      operation: "mdx.create_user",
      read: "mdx.read_user",
      next: ["mdx.create_member"],
    },
    { ...mdx, operation: "mdx.create_member", read: "mdx.read_member" },
  ];
  const CUTS: [string, Misbehaviour][] = [
    ["a reset before MX did it", { kind: "reset" }],
    ["FIN before MX did it", { kind: "fin" }],
    ["a reset after MX did it", { kind: "reset", applied: true }],
    ["FIN after MX did it", { kind: "fin", applied: true }],
    ["half of the headers", { kind: "truncate", of: "head" }],
    ["half of the body", { kind: "truncate", of: "body" }],
  ];
  const CASES = ROWS.flatMap((row) => CUTS.map(([cut, fault]) => ({ ...row, cut, fault })));

  it.each(CASES)(
    "whose $operation ($apis) ends with $cut: 200, read before it is repeated, made once",
    async ({ apis, wireOf, operation, read, next = [], fault }) => {
      const { wire, mx, subject, login, expectMadeOnce } = await setUp(apis, wireOf);
      wire.misbehave(hitting(operation, fault));

      const { result } = await login();

      expect(result.status).toBe(200);
      expect(ownerOf(mx, result.body.widget_url.url)).toBe(subject);
      const isApplied = fault.kind === "truncate" || ("applied" in fault && fault.applied);
      const seen = wire.operations();
      expect(
        seen.slice(seen.indexOf(operation)).filter((each) => /read|create/.test(each)),
      ).toEqual([...(isApplied ? [operation, read] : [operation, read, operation]), ...next]);
      expectMadeOnce();
    },
  );

  it.each(ROWS)(
    "whose $operation ($apis) is cut off again and again: 503 after two creates, and the next one heals it",
    async ({ apis, wireOf, operation }) => {
      const { wire, login, expectMadeOnce } = await setUp(apis, wireOf);
      wire.misbehave(hitting(operation, { kind: "reset" }, ALWAYS));

      expectUnavailable((await login()).result);
      expect(wire.operations().filter((each) => each === operation)).toHaveLength(2);

      wire.reset();
      expect((await login()).result.status).toBe(200);
      expectMadeOnce();
    },
  );

  it.each(ROWS)(
    "whose $operation ($apis) is refused once: 200, repeated without a read, for nothing was done",
    async ({ apis, wireOf, operation, read }) => {
      const { wire, login, expectMadeOnce } = await setUp(apis, wireOf);
      const refusal = toHttp({ error: "maintenance" }).replace("200 OK", "503 Service Unavailable");
      wire.misbehave(hitting(operation, { kind: "raw", text: refusal }));

      expect((await login()).result.status).toBe(200);

      const seen = wire.operations();
      expect(seen.slice(seen.indexOf(operation))).not.toContain(read);
      expect(seen.filter((each) => each === operation)).toHaveLength(2);
      expectMadeOnce();
    },
  );

  it.each(ROWS)(
    "whose $operation ($apis) finds that it exists when it is repeated: 200, for that is success",
    async ({ apis, wireOf, operation }) => {
      const { wire, mx, subject, login, expectMadeOnce } = await setUp(apis, wireOf);
      wire.misbehave(hitting(operation, { kind: "reset" }));
      mx.before(operation, () => {
        const user = mx.state.findUser(subject) ?? mx.state.createUser({ id: subject });
        if (!operation.endsWith("create_member")) return;
        mx.state.createMember({ id: `M-${subject}`, userGuid: user.guid, credentials: [] });
      });

      const { result } = await login();

      expect(result.status).toBe(200);
      expect(ownerOf(mx, result.body.widget_url.url)).toBe(subject);
      expect(wire.operations().filter((each) => each === operation)).toHaveLength(2);
      expectMadeOnce();
    },
  );

  it.each([
    ["platform", "platform.create_user", "platform.request_widget_url"],
    ["v3", "mdx.create_user", "sso_v3.request_widget_url"],
  ] as const)(
    "whose User MX does not show for a while (%s): three URL requests, then 503",
    async (apis, create, url) => {
      const { operations, mx, login, expectMadeOnce } = await setUp(apis);
      mx.settings.propagationMs = 60_000;

      const { result, ms } = await login();

      expectUnavailable(result);
      expect(operations()).toEqual([create, ...Array(4).fill(url)].sort());
      expect(ms).toBeGreaterThanOrEqual(700);
      expect(ms).toBeLessThan(1500);
      mx.advance(60_000);
      mx.settings.propagationMs = 0;
      expect((await login()).result.status).toBe(200);
      expectMadeOnce();
    },
  );
});

describe.each([
  ["sso", "sso", "sso.update_member"],
  ["v3-members", "mdx", "mdx.update_member"],
] as const)("a Member update (%s)", (apis, wireOf, update) => {
  const environment = {
    MEMBER_CREDENTIALS: "claim",
    MEMBER_USERKEY_CLAIM: "sid",
    MEMBER_USERKEY_EXPIRES: "true",
    MEMBER_USERKEY_SECRET: "",
  };

  async function login(service: Started, sid: string): Promise<Response> {
    const token = await service.issuer.issueToken("ada", { claims: { sid } });
    const test = service.request().set("Authorization", `Bearer ${token}`);
    return service.check(test);
  }

  it.each([
    ["a reset before MX did it", { kind: "reset" }],
    ["FIN after MX did it", { kind: "fin", applied: true }],
  ] as [string, Misbehaviour][])(
    "that ends with %s is repeated once: 200",
    async (_name, fault) => {
      await using service = await startBehindFaults({ apis, environment });
      await login(service, "first");
      service[wireOf].reset();
      service[wireOf].misbehave(hitting(update, fault));

      expect((await login(service, "second")).status).toBe(200);
      expect(service[wireOf].operations().filter((each) => /update|create/.test(each))).toEqual(
        Array(2).fill(update),
      );
      const [member] = service.mx.state.members.values();
      expect(member?.credentials).toEqual([{ field_name: "userkey", response: "second" }]);
    },
  );

  it("that never gets through is tried twice: 503", async () => {
    await using service = await startBehindFaults({ apis, environment });
    await login(service, "first");
    service[wireOf].reset();
    service[wireOf].misbehave(hitting(update, { kind: "reset" }, ALWAYS));

    expectUnavailable(await login(service, "second"));
    expect(service[wireOf].operations().filter((each) => each === update)).toHaveLength(2);
    expect(service.mx.state.created).toMatchObject({ users: 1, members: 1 });
  });

  it("waits for the one before it, repeats included, so that the last login's userkey stays", async () => {
    await using service = await startBehindFaults({ apis, environment });
    await login(service, "first");
    service[wireOf].reset();
    service.mx.calls.clear();
    service.mx.settings.latencyMs = 30;
    service[wireOf].misbehave(hitting(update, { kind: "reset" }));

    const logins = await Promise.all(["a", "b", "c", "d"].map((sid) => login(service, sid)));

    expect(logins.map(({ status }) => status)).toEqual(Array(4).fill(200));
    const updates = service.mx.calls.of(update);
    expect(updates).toHaveLength(4);
    updates.reduce((before, update) => {
      expect(update.startedAt).toBeGreaterThan(before.endedAt ?? ALWAYS);
      return update;
    });
    const sent = service[wireOf].requests.filter(({ operation }) => operation === update);
    expect(sent[1]?.body).toBe(sent[0]?.body); // The repeat comes before the next login's update.
  });
});

describe("connections that MX closes at the moment of reuse", () => {
  const [SESSIONS, USERS] = [runsOf(300), runsOf(200)];

  it.each(["fin", "reset"] as const)(`(%s): ${SESSIONS} of ${SESSIONS} sessions`, async (by) => {
    await using service = await startBehindFaults({ environment: UNLIMITED });
    await service.post("ada");
    service.platform.misbehave(() => ({ kind: "stale", by }));

    const answers = await askAll(service, Array(SESSIONS).fill("ada"), 10);

    expect(countByStatus(answers)).toEqual({ 200: SESSIONS });
    expect(service.mx.state.created.users).toBe(1);
  });

  it("all at once: 40 of 40 sessions, for that is no outage", async () => {
    await using service = await startBehindFaults({ environment: UNLIMITED });
    service.mx.state.createUser({ id: "ada" });
    service.mx.settings.latencyMs = 100; // So that no call is answered before all have begun.
    service.platform.misbehave(() => ({ kind: "stale", by: "fin" }));

    for (const _wave of [1, 2]) {
      const answers = await askAll(service, Array(40).fill("ada"), 40);
      expect(countByStatus(answers)).toEqual({ 200: 40 });
    }
    expect(service.platform.requests.length).toBeLessThanOrEqual(80);
  });

  it.each([
    ["platform", "platform"],
    ["sso", "sso"],
    ["v3-members", "mdx"],
  ] as const)(`${USERS} of ${USERS} first logins (%s, on the wire to %s)`, async (apis, wireOf) => {
    await using service = await startBehindFaults({ apis });
    service[wireOf].misbehave(() => ({ kind: "stale", by: "fin" }));

    const answers = await askAll(service, subjectsOf(USERS), 20);

    expect(countByStatus(answers)).toEqual({ 200: USERS });
    expect(service.mx.state.created.users).toBe(USERS);
    expect(service.mx.state.created.members).toBe(apis === "platform" ? 0 : USERS);
  });
});

describe("v2's 500 for a Member that does not exist", () => {
  const USERS = runsOf(400);

  it(`${USERS} times is no outage: ${USERS} of ${USERS} first logins, the breaker stays closed`, async () => {
    await using service = await start({ apis: "sso", environment: UNLIMITED });

    const answers = await askAll(service, subjectsOf(USERS), 20);

    expect(countByStatus(answers)).toEqual({ 200: USERS });
    expect(service.mx.calls.of("sso.read_member")).toHaveLength(USERS);
    expect(service.mx.calls.count).toBe(4 * USERS);
    expect(service.mx.state.created.members).toBe(USERS);
    expect(service.log.join("")).not.toContain("circuit_open");
  });
});

describe("retries in an outage", () => {
  it("add a tenth at most when MX refuses everything", async () => {
    await using service = await start({ environment: UNLIMITED });
    service.mx.failNext({ kind: "status", status: 429 }, { times: ALWAYS });

    const answers = await askAll(service, Array(400).fill("ada"), 40);

    expect(countByStatus(answers)).toEqual({ 503: 400 });
    expect(service.mx.calls.count).toBeGreaterThan(400);
    expect(service.mx.calls.count).toBeLessThanOrEqual(440);
  });

  it.each([
    { asked: "3", environment: {}, told: "3" },
    { asked: "2", environment: { REQUEST_DEADLINE: "1500ms" }, told: "2" },
    { asked: "86400", environment: {}, told: "30" },
    { asked: "0", environment: {}, told: "1" },
  ])("do not wait for $asked s as MX asks, but answer at once", async (row) => {
    const { asked, environment, told } = row;
    await using service = await start({ environment });
    await service.post("ada");
    const headers = { "retry-after": asked };
    service.mx.failNext({ kind: "status", status: 503, body: {}, headers }, { times: ALWAYS });

    const { result, ms } = await clock.run(service.post("ada"));

    expectUnavailable(result);
    expect(result.headers["retry-after"]).toBe(told);
    expect(callsOfLastRequest(service)).toBe(asked === "0" ? 2 : 1);
    expect(ms).toBeLessThan(200);
  });
});

describe("the circuit breaker", () => {
  /** Thirty users ask: of each at most three failures count. */
  const manyAsk = (service: Started, atOnce = 3) => askAll(service, subjectsOf(30), atOnce);

  it("opens after twenty failed calls, then answers at once, then tries once, then closes", async () => {
    await using service = await startBehindFaults({ environment: UNLIMITED });
    const wire = service.platform;
    service.mx.state.createUser({ id: "ada" });
    wire.misbehave(() => ({ kind: "reset" }));

    await manyAsk(service);
    const failed = wire.requests.length;
    expect(failed).toBeGreaterThanOrEqual(20);
    expect(failed).toBeLessThanOrEqual(20 + 2); // Those under way when it opened.

    const { result, ms } = await clock.run(service.post("ada"));
    expectUnavailable(result);
    expect(ms).toBe(0);
    await clock.advance(3900); // 5 s less a fifth, and some time has passed.
    expectUnavailable(await service.post("ada"));
    expect(wire.requests).toHaveLength(failed);

    wire.misbehave(() => ({ kind: "delay", ms: 1200 }));
    await clock.advance(2400);
    const probe = askSessions(service, ["ada"], 1);
    await clock.until(() => wire.requests.length === failed + 1);
    const others = await askSessions(service, Array(10).fill("ada"), 10); // No time passes: the probe is still under way.
    expect(countByStatus(others)).toEqual({ 503: 10 });
    expect(countByStatus(await letTimePass(probe))).toEqual({ 200: 1 });
    expect(wire.requests).toHaveLength(failed + 1);

    wire.misbehave(() => undefined);
    expect(countByStatus(await askAll(service, Array(10).fill("ada"), 10))).toEqual({ 200: 10 });
  });

  it("gives the request that tries its session, though it asks two things at once", async () => {
    await using service = await startBehindFaults({ apis: "sso", environment: UNLIMITED });
    await service.post("ada");
    service.sso.misbehave(() => ({ kind: "reset" }));
    await manyAsk(service);
    expectUnavailable(await service.post("ada"));
    await clock.advance(500); // Of two calls side by side one may still wait for its repeat.

    service.sso.misbehave(() => undefined);
    await clock.advance(6100);
    expect((await service.post("ada")).status).toBe(200);
  });

  it("opens again when the one try fails", async () => {
    await using service = await startBehindFaults({ environment: UNLIMITED });
    const wire = service.platform;
    wire.misbehave(() => ({ kind: "reset" }));
    await manyAsk(service);
    await clock.advance(500); // Of two calls side by side one may still wait for its repeat.
    const failed = wire.requests.length;

    await clock.advance(6100);
    expectUnavailable(await service.post("ada"));
    expectUnavailable(await service.post("grace"));

    expect(wire.requests).toHaveLength(failed + 1);
  });

  it("stays closed over whatever one user's requests meet, and lets all others through", async () => {
    await using service = await startBehindFaults({ apis: "both", environment: UNLIMITED });
    const users = subjectsOf(10);
    await askAll(service, users, 5);
    const isMallory = (id: string) =>
      /mallory/.test(id) || id === service.mx.state.findUser("mallory")?.guid;
    for (const wire of [service.platform, service.sso]) {
      wire.misbehave(({ id, body }) =>
        isMallory(id) || /mallory/.test(body)
          ? { kind: "raw", text: "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n" }
          : undefined,
      );
    }

    const third = (at: number) => users[(at / 3) % users.length] ?? "";
    const asked = Array.from({ length: 90 }, (_, at) => (at % 3 === 0 ? third(at) : "mallory"));
    const answers = await askAll(service, asked, 3);

    const others = answers.filter(({ subject }) => subject !== "mallory");
    expect(countByStatus(others)).toEqual({ 200: 30 });
    expect(service.log.join("")).not.toContain("circuit_open");
  });

  it.each([
    [6, 200],
    [7, 503],
  ])(
    "counts three failures of a user: after those of %i, another one gets %i",
    async (count, status) => {
      await using service = await startBehindFaults({ environment: UNLIMITED });
      service.mx.state.createUser({ id: "ada" });
      const fault: Misbehaviour = {
        kind: "raw",
        text: "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
      };
      service.platform.misbehave(() => fault);
      const users = subjectsOf(count);
      await askAll(service, [...users, ...users, ...users], 1);

      service.platform.misbehave(() => undefined);

      expect((await service.post("ada")).status).toBe(status);
    },
  );

  it("is one for each API: the Platform API's outage leaves the SSO API alone", async () => {
    await using service = await startBehindFaults({ apis: "both", environment: UNLIMITED });
    await service.post("ada");
    service.platform.misbehave(() => ({ kind: "reset" }));
    await manyAsk(service);
    service.sso.reset();

    expectUnavailable(await service.post("ada"));

    const own = service.sso.requests.filter(({ id }) => /ada$/.test(id)); // Others may still be ending.
    expect(own.map(({ operation }) => operation).sort()).toEqual([
      "sso.read_member",
      "sso.read_user",
    ]);
  });

  it("stays closed when MX refuses or rejects", async () => {
    await using service = await start({ environment: UNLIMITED });
    await service.post("ada");
    service.mx.calls.clear();
    for (const status of [429, 401, 422]) {
      service.mx.failNext({ kind: "status", status }, { times: 25 });
      await manyAsk(service, 5);
    }

    expect(service.log.join("")).not.toContain("circuit_open");
    service.mx.clearFaults();
    expect((await service.post("ada")).status).toBe(200);
  });
});

describe("the bulkhead before the connections, when MX hangs", () => {
  it("keeps 5 calls at MX and 10 waiting for a second; all others are answered at once", async () => {
    const environment = { MX_CONNECTIONS: "5", MAX_IN_FLIGHT: "15", REQUEST_DEADLINE: "2s" };
    await using service = await startBehindFaults({ environment });
    const wire = service.platform;
    await service.post("ada");
    await disconnect(wire);
    wire.reset();
    wire.misbehave(() => ({ kind: "silence" }));

    const answers = await askAll(service, subjectsOf(40), 40);

    const groups = Map.groupBy(answers, ({ type }) => type);
    const waits = (name: string) => groups.get(`/problems/${name}`)?.map(({ ms }) => ms) ?? [];
    expect(waits("overloaded")).toEqual(Array(25).fill(0));
    expect(waits("upstream-unavailable")).toEqual(Array(10).fill(1000));
    expect(waits("upstream-timeout")).toHaveLength(5);
    for (const ms of waits("upstream-timeout")) {
      expect(ms).toBeGreaterThanOrEqual(2000);
      expect(ms).toBeLessThan(2000 + GRACE_MS);
    }
    expect(wire.requests).toHaveLength(5);
    expect(wire.connections.mostOpen).toBeLessThanOrEqual(5);

    wire.reset();
    expect(countByStatus(await askAll(service, subjectsOf(15), 15))).toEqual({ 200: 15 });
    expect(wire.connections.mostOpen).toBeLessThanOrEqual(5);
  });
});

describe("resets at random on reads", () => {
  const RATE_PER_SECOND = 8;
  const SESSIONS = 32;

  /** In [0, 1), the same in every run, whatever comes first. */
  function draw(text: string): number {
    return createHash("sha256").update(`20261120 ${text}`).digest().readUInt32BE() / 2 ** 32;
  }

  it.each([
    { share: 0.1, successes: 0.97 },
    { share: 0.3, successes: 0.9 },
  ])("($share): at least $successes of the sessions, at most 1.45 times the calls", async (row) => {
    await using service = await startBehindFaults({ apis: "sso" });
    const subjects = subjectsOf(SESSIONS);
    for (const id of subjects) {
      const { guid: userGuid } = service.mx.state.createUser({ id });
      service.mx.state.createMember({ id: `M-${id}`, userGuid, credentials: [] });
    }
    const tries = new Map<string, number>();
    service.sso.misbehave(({ operation, id }) => {
      const name = `${row.share} ${operation} ${id}`;
      const number = (tries.get(name) ?? 0) + 1;
      tries.set(name, number);
      return draw(`${name} ${number}`) < row.share ? { kind: "reset" } : undefined;
    });

    const asking = Promise.all(
      subjects.map(async (subject, index) => {
        await sleep((index * 1000) / RATE_PER_SECOND);
        return (await service.post(subject)).status;
      }),
    );
    const { result: statuses } = await clock.run(asking);

    const succeeded = statuses.filter((status) => status === 200).length;
    expect(succeeded / SESSIONS).toBeGreaterThanOrEqual(row.successes);
    expect(service.sso.requests.length / (2 * SESSIONS)).toBeLessThanOrEqual(1.45);
    expect(service.sso.requests.length).toBeGreaterThan(2 * SESSIONS);
  });
});

describe("while MX is down", () => {
  it("the service is alive and ready", async () => {
    await using service = await startBehindFaults({ environment: UNLIMITED });
    await service.post("ada");
    await service.platform.refuse();

    for (let time = 0; time < 3; time += 1) {
      const answers = await askAll(service, Array(20).fill("ada"), 5);
      expect(countByStatus(answers)).toEqual({ 503: 20 });
      for (const path of ["/livez", "/readyz"]) {
        expect((await request(service.operationsUrl).get(path)).status).toBe(200);
      }
    }
  });
});

describe("an issuer whose clock is", () => {
  it.each([
    { seconds: 5, status: 200 },
    { seconds: -5, status: 200 },
    { seconds: 90, status: 401 },
    { seconds: -90, status: 401 },
  ])("$seconds s off: $status", async ({ seconds, status }) => {
    await using issuer = await startIdentityProvider({ now: () => Date.now() + seconds * 1000 });
    await using service = await start({ issuer });
    const iat = Math.floor(Date.now() / 1000) + seconds;
    const token = await issuer.issueToken("ada", { claims: { iat, nbf: iat, exp: iat + 60 } });

    const response = await service.check(service.request().set("Authorization", `Bearer ${token}`));

    expect(response.status).toBe(status);
    if (status === 401) expectProblem(response, 401, "unauthenticated");
    expect(service.mx.calls.count > 0).toBe(status === 200);
  });
});
