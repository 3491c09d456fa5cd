import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError, type Reason } from "../../../src/errors.ts";
import { createSecret } from "../../../src/secret.ts";
import { toUserId } from "../../../src/session/user-id.ts";
import type { RequestEntry } from "../../../src/telemetry/log-entries.ts";
import { createLogger, createPseudonym, type LogLevel } from "../../../src/telemetry/logger.ts";
import { codePoint } from "../../support/code-point.ts";
import { isInstalled } from "../../support/installed.ts";
import { principalOf, SEED } from "../fakes.ts";

/** A logger, and the lines that it has written. */
function captured(level: LogLevel = "info") {
  const chunks: string[] = [];
  const logger = createLogger(level, { write: (chunk: string) => void chunks.push(chunk) });
  const entries = () =>
    chunks
      .join("")
      .split("\n")
      .filter((line) => line !== "")
      .map((line): Record<string, unknown> => JSON.parse(line));
  return { logger, chunks, entries };
}

function entryOf(parts: Partial<RequestEntry> = {}): RequestEntry {
  return {
    method: "POST",
    route: "/session",
    status: 200,
    durationMs: 12.3,
    requestId: "0f8fad5b-d9cb-469f-a165-70867728950e",
    traceId: undefined,
    tenant: "default",
    event: "session.opened",
    userHash: "dXNlcg",
    clientAddress: "192.0.2.7",
    widgetType: "connect_widget",
    mxCalls: 2,
    isClientGone: false,
    error: undefined,
    errorType: undefined,
    ...parts,
  };
}

function logged(parts: Partial<RequestEntry> = {}): Record<string, unknown> {
  const { logger, entries } = captured();
  logger.request(entryOf(parts));
  return entries()[0] ?? {};
}

const FIELDS = [
  "level",
  "time",
  "msg",
  "http.request.method",
  "http.route",
  "http.response.status_code",
  "duration_ms",
  "request_id",
  "trace_id",
  "event.name",
  "event.outcome",
  "tenant",
  "user.hash",
  "client.address",
  "mx.widget_type",
  "mx.calls",
  "client.gone",
  "error.type",
  "error.reason",
  "error.name",
  "error.code",
  "error.frames",
  "upstream.operation",
  "upstream.outcome",
  "upstream.status",
  "upstream.reason",
];

describe("the log line of a request", () => {
  it("says what happened", () => {
    expect(logged()).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      "http.request.method": "POST",
      "http.route": "/session",
      "http.response.status_code": 200,
      duration_ms: 12.3,
      request_id: "0f8fad5b-d9cb-469f-a165-70867728950e",
      "event.name": "session.opened",
      "event.outcome": "success",
      tenant: "default",
      "user.hash": "dXNlcg",
      "client.address": "192.0.2.7",
      "mx.widget_type": "connect_widget",
      "mx.calls": 2,
      msg: "request",
    });
  });

  it("says what MX did, in our own words", () => {
    const upstream = {
      operation: "sso.read_user",
      outcome: "ambiguous",
      status: 502,
      reason: "und_err_socket",
    } as const;
    const error = new AppError("upstream_unavailable", "told to the caller", { upstream });
    expect(logged({ status: 503, error, errorType: "upstream-unavailable" })).toMatchObject({
      level: "warn",
      "error.type": "upstream-unavailable",
      "upstream.operation": "sso.read_user",
      "upstream.outcome": "ambiguous",
      "upstream.status": 502,
      "upstream.reason": "und_err_socket",
    });
  });

  it("says why a login was refused", () => {
    const error = new AppError("unauthenticated", "told to the caller", { reason: "claim_exp" });
    expect(logged({ status: 401, error })).toMatchObject({
      level: "info",
      "error.reason": "claim_exp",
    });
  });

  it("says when the caller has gone", () => {
    expect(logged({ isClientGone: true })).toMatchObject({ "client.gone": true });
    expect(logged()).not.toHaveProperty(["client.gone"]);
  });

  it.each([
    [200, undefined, "info"],
    [400, "invalid_request", "info"],
    [401, "unauthenticated", "info"],
    [403, "forbidden", "info"],
    [500, "internal_error", "error"],
    [502, "upstream_rejected", "error"],
    [502, "upstream_bad_response", "warn"],
    [503, "upstream_unavailable", "warn"],
    [503, "overloaded", "warn"],
    [504, "upstream_timeout", "warn"],
  ] as const)("of a %i (%s) has the level %s", (status, code, level) => {
    const error = code && new AppError(code, "told to the caller");
    expect(logged({ status, error }).level).toBe(level);
  });

  it("has no field but those of the schema", () => {
    const extra = { url: "canary", headers: { cookie: "canary" }, user: "canary" };
    const error = Object.assign(
      new AppError("upstream_rejected", "canary", {
        cause: new Error("canary"),
        errors: [{ pointer: "/canary", detail: "canary" }],
        upstream: Object.assign({ operation: "sso.read_user", outcome: "rejected" } as const, {
          body: "canary",
        }),
      }),
      { token: "canary" },
    );
    const line = logged({ ...extra, status: 502, error, errorType: "upstream-rejected" });
    expect(JSON.stringify(line)).not.toContain("canary");
    for (const field of Object.keys(line)) expect(FIELDS).toContain(field);
  });
});

describe("the log line of an error that is not ours", () => {
  /** As the cause of a failed request, and as a fault beside all requests. */
  function written(cause: unknown): Record<string, unknown>[] {
    const { logger, entries } = captured();
    logger.request(
      entryOf({ status: 500, error: new AppError("internal_error", "wrong", { cause }) }),
    );
    logger.fault(cause);
    return entries();
  }

  it("names its kind, its code and our own places in it", () => {
    const cause = Object.assign(new TypeError("canary"), { code: "ERR_INVALID_ARG" });
    cause.stack = [
      "TypeError: canary",
      "    at toUser (file:///opt/app/src/mx/sso-v2.ts:10:5)",
      "    at /opt/app/node_modules/undici/lib/x.js:1:1",
      "    at async open (file:///opt/app/src/session/open-session.ts:20:7)",
    ].join("\n");
    const described = {
      level: "error",
      "error.name": "TypeError",
      "error.code": "ERR_INVALID_ARG",
      "error.frames": ["src/mx/sso-v2.ts:10:5", "src/session/open-session.ts:20:7"],
    };
    expect(written(cause)).toMatchObject([
      { ...described, msg: "request" },
      { ...described, msg: "fault" },
    ]);
  });

  it.each<[string, unknown]>([
    ["a message", new Error("canary")],
    ["a message that looks like a place", new Error("at src/canary.ts:1:1")],
    ["a message with a line break", new Error("x\n    at src/canary.ts:1:1")],
    ["a name", Object.assign(new Error("x"), { name: "canary is not a name" })],
    ["a code", Object.assign(new Error("x"), { code: "canary in small letters" })],
    ["a field", Object.assign(new Error("x"), { body: '{"password":"canary"}', data: "canary" })],
    ["its own cause", new Error("x", { cause: new Error("canary") })],
    ["its errors", new AggregateError([new Error("canary")], "canary")],
    ["a text", "canary"],
    ["an object", { token: "canary" }],
    ["an object that prints itself", { toString: () => "canary", toJSON: () => "canary" }],
  ])("has nothing of %s", (_what, cause) => {
    expect(JSON.stringify(written(cause))).not.toContain("canary");
  });

  it.each([undefined, null, 7, "text"])("can be the thrown value %j", (cause) => {
    expect(written(cause)).toMatchObject([{ level: "error" }, { level: "error" }]);
  });
});

describe("the log", () => {
  it("says when the service listens, and when it drains", () => {
    const { logger, entries } = captured();
    logger.lifecycle("listening", { port: 3000, operationsPort: 9090 });
    logger.lifecycle("draining");
    expect(entries()).toMatchObject([
      {
        level: "info",
        msg: "listening",
        "event.name": "service.started",
        port: 3000,
        operationsPort: 9090,
      },
      { level: "info", msg: "draining", "event.name": "service.draining" },
    ]);
  });

  it.each<[LogLevel, number]>([
    ["trace", 3],
    ["info", 3],
    ["warn", 2],
    ["error", 1],
    ["fatal", 0],
    ["silent", 0],
  ])("at the level %s has %i of an ok, a warning and an error", (level, count) => {
    const { logger, entries } = captured(level);
    logger.request(entryOf());
    logger.request(entryOf({ status: 503 }));
    logger.request(entryOf({ status: 500, error: new AppError("internal_error", "x") }));
    expect(entries()).toHaveLength(count);
  });

  it("is one line of JSON for each event, whatever stands in it", () => {
    const text = fc.oneof(
      fc.string({ unit: codePoint }),
      fc.constantFrom("\r\n{}", "\u001b[31m", "\u2028", '","level":"fatal', "\ud800", "\0"),
    );
    fc.assert(
      fc.property(text, text, text, (method, requestId, reason) => {
        const { logger, chunks, entries } = captured();
        const error = new AppError("unauthenticated", "x", { reason: reason as Reason });
        logger.request(entryOf({ method, requestId, status: 401, error }));
        expect(chunks.join("").match(/[\r\n]/g)).toEqual(["\n"]);
        expect(entries()).toEqual([expect.objectContaining({ level: "info", msg: "request" })]);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});

describe("the log line of a change at MX", () => {
  it("says what, for whom, from where, in which request", () => {
    const { logger, entries } = captured();
    logger.change({
      event: "user_created",
      requestId: "request-1",
      traceId: undefined,
      tenant: "bank",
      userHash: "dXNlcg",
      clientAddress: "192.0.2.7",
    });
    expect(entries()).toEqual([
      {
        level: "info",
        time: expect.any(String),
        msg: "change",
        "event.name": "mx.user.created",
        "event.outcome": "success",
        request_id: "request-1",
        tenant: "bank",
        "user.hash": "dXNlcg",
        "client.address": "192.0.2.7",
      },
    ]);
  });
});

const KEY = "a key with spaces, $signs and 'quotes' 0123456789";
const ADA = { issuer: "https://login.example.com", subject: "auth0|ada@example.com" };

describe("a user's pseudonym", () => {
  const toPseudonym = createPseudonym(createSecret(KEY));

  it("is the same for the same user, and another one for all others", () => {
    expect(toPseudonym(ADA)).toBe(toPseudonym({ ...ADA }));
    const others = [
      { ...ADA, subject: "bob" },
      { ...ADA, issuer: "https://other.example.com" },
      { issuer: `${ADA.issuer}auth0|`, subject: "ada@example.com" },
    ];
    const names = [ADA, ...others].map(toPseudonym);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[\w-]{22}$/);
  });

  it("cannot be told without the key", () => {
    const other = createPseudonym(createSecret(`${KEY}x`));
    expect(other(ADA)).not.toBe(toPseudonym(ADA));
  });

  it("is no part of the user's id at MX, even where both have the same key", () => {
    const secret = createSecret(KEY);
    const rule = { mode: "hmac", claim: "sub", secret } as const;
    const id = toUserId(rule, { ...principalOf({ sub: ADA.subject }), ...ADA });
    expect(id).not.toContain(toPseudonym(ADA));
  });

  it.skipIf(!isInstalled("openssl"))(
    "is what the documented command prints (skipped without openssl)",
    () => {
      const document = readFileSync(
        new URL("../../../docs/observability.md", import.meta.url),
        "utf8",
      );
      const [command = ""] = /^printf .*openssl dgst.*$/m.exec(document) ?? [];
      const { stdout } = spawnSync("sh", ["-c", command], {
        env: { ...process.env, ISSUER: ADA.issuer, SUBJECT: ADA.subject, AUDIT_KEY: KEY },
      });
      expect(stdout.toString().trim()).toBe(toPseudonym(ADA));
    },
  );
});
