import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError, type UpstreamReason } from "../../../src/errors.ts";
import type { Classify, Failure, MxCall, Operation, Outcome } from "../../../src/mx/call.ts";
import {
  blameOptions,
  classifyByStatus,
  classifySsoV2,
  FAILURE_OUTCOMES,
  isStale,
  toAppError,
} from "../../../src/mx/outcome.ts";
import { answerOf, SEED } from "../fakes.ts";

const SSO_OPERATIONS: Operation[] = [
  "sso.read_user",
  "sso.create_user",
  "sso.read_member",
  "sso.create_member",
  "sso.update_member",
];
const PLATFORM_OPERATIONS: Operation[] = [
  "platform.list_users",
  "platform.read_user",
  "platform.create_user",
  "platform.request_widget_url",
];
const FAILURES: Failure[] = [
  "not_found",
  "conflict",
  "throttled",
  "rejected",
  "not_sent",
  "ambiguous",
  "invalid_response",
];
const OUTCOMES: Outcome[] = ["ok", ...FAILURES];

const sso = (error: string) => ({ error });
const platform = (status: string) => ({
  error: { message: "in MX's own words", status, type: `${status}_error` },
});

describe("an answer of the SSO API v2", () => {
  it.each<[Operation, number, unknown, Outcome]>([
    ["sso.read_user", 200, { guid: "USR-1" }, "ok"],
    ["sso.read_user", 400, sso("User with guid u-1 not found."), "not_found"],
    ["sso.read_user", 400, sso("user with GUID u-1 not found"), "not_found"],
    ["sso.create_user", 200, { guid: "USR-1" }, "ok"],
    ["sso.create_user", 400, sso("User already exists with guid u-1"), "conflict"],
    ["sso.create_user", 400, sso("Invalid format for external user guid."), "rejected"],
    ["sso.create_user", 500, sso("Create user failed: Client must be associated."), "rejected"],
    ["sso.read_member", 200, {}, "ok"],
    ["sso.read_member", 500, sso("Member not found."), "not_found"],
    ["sso.read_member", 500, sso("MEMBER NOT FOUND"), "not_found"],
    ["sso.create_member", 200, { guid: "MBR-1" }, "ok"],
    ["sso.create_member", 400, sso("Member already exists with guid M-u-1"), "conflict"],
    ["sso.create_member", 500, sso("External guid has already been taken"), "conflict"],
    ["sso.create_member", 400, sso("Invalid format for external member guid"), "rejected"],
    ["sso.create_member", 400, sso("User with guid u-1 not found."), "not_found"],
    ["sso.update_member", 200, {}, "ok"],
    ["sso.update_member", 204, undefined, "ok"],
    ["sso.update_member", 500, sso("Member not found."), "not_found"],
    // Only what is created can exist already.
    ["sso.read_user", 400, sso("User already exists with guid u-1"), "rejected"],
    ["sso.update_member", 500, sso("already exists"), "ambiguous"],
    // The right words with the wrong status are not the documented answer.
    ["sso.read_user", 404, sso("User with guid u-1 not found."), "rejected"],
    ["sso.read_user", 500, sso("User with guid u-1 not found."), "ambiguous"],
    ["sso.read_member", 400, sso("Member not found."), "rejected"],
    ["sso.read_user", 500, sso("Member not found."), "ambiguous"],
    ["sso.read_user", 400, { error: ["User with guid u-1 not found."] }, "rejected"],
    ["sso.create_user", 422, sso("already exists"), "rejected"],
    ["sso.create_user", 502, sso("already exists"), "ambiguous"],
    ["sso.create_user", 502, sso("Client must be associated."), "ambiguous"],
    // The right words in the middle of others.
    ["sso.read_user", 400, sso("Institution of user with guid u-1 not found."), "rejected"],
    // Something else is not found.
    ["sso.read_user", 400, sso("Client with guid CLT-1 not found."), "rejected"],
    ["sso.create_member", 400, sso("Institution not found."), "rejected"],
    ["sso.read_user", 400, sso(""), "rejected"],
    ["sso.read_user", 400, undefined, "rejected"],
    ["sso.read_user", 400, { error: { message: "User with guid u-1 not found." } }, "rejected"],
    ["sso.read_user", 400, "User with guid u-1 not found.", "rejected"],
  ])("to %s: %i %j is %s", (operation, status, body, outcome) => {
    expect(classifySsoV2(operation, status, body)).toBe(outcome);
  });

  it.each<[number, unknown, Outcome]>([
    [301, undefined, "invalid_response"],
    [302, undefined, "invalid_response"],
    [304, undefined, "invalid_response"],
    [401, undefined, "rejected"],
    [403, undefined, "rejected"],
    [404, undefined, "rejected"],
    [408, undefined, "ambiguous"],
    [409, undefined, "rejected"],
    [422, sso("Unprocessable"), "rejected"],
    [429, undefined, "throttled"],
    [500, undefined, "ambiguous"],
    [500, sso("Something else broke."), "ambiguous"],
    [502, undefined, "ambiguous"],
    [503, sso("Service Temporarily Unavailable."), "throttled"],
    [503, undefined, "ambiguous"],
    [504, undefined, "ambiguous"],
  ])("with %i %j is %s for every call", (status, body, outcome) => {
    for (const operation of SSO_OPERATIONS)
      expect(classifySsoV2(operation, status, body)).toBe(outcome);
  });
});

describe("an answer of the Platform API", () => {
  it.each<[Operation, number, unknown, Outcome]>([
    ["platform.list_users", 200, { users: [] }, "ok"],
    ["platform.read_user", 200, { user: {} }, "ok"],
    ["platform.read_user", 404, platform("not_found"), "not_found"],
    ["platform.read_user", 404, undefined, "not_found"],
    ["platform.create_user", 200, { user: {} }, "ok"],
    ["platform.create_user", 201, { user: {} }, "ok"],
    ["platform.create_user", 409, platform("conflict"), "conflict"],
    ["platform.create_user", 409, undefined, "conflict"],
    ["platform.request_widget_url", 200, { widget_url: {} }, "ok"],
    ["platform.request_widget_url", 404, platform("not_found"), "not_found"],
    // A wrong base URL must not make users.
    ["platform.list_users", 404, undefined, "rejected"],
    ["platform.create_user", 404, platform("not_found"), "rejected"],
    // "A different job is running".
    ["platform.request_widget_url", 409, platform("conflict"), "rejected"],
    ["platform.read_user", 409, platform("conflict"), "rejected"],
  ])("to %s: %i %j is %s", (operation, status, body, outcome) => {
    expect(classifyByStatus(operation, status, body)).toBe(outcome);
  });

  it.each<[number, unknown, Outcome]>([
    [302, undefined, "invalid_response"],
    [400, platform("bad_request"), "rejected"],
    [401, platform("unauthorized"), "rejected"],
    [403, platform("forbidden"), "rejected"],
    [405, undefined, "rejected"],
    [406, undefined, "rejected"],
    [408, undefined, "ambiguous"],
    [422, platform("unprocessable_entity"), "rejected"],
    [429, platform("too_many_requests"), "throttled"],
    [429, undefined, "throttled"],
    [500, undefined, "ambiguous"],
    [502, undefined, "ambiguous"],
    [503, platform("service_unavailable"), "throttled"],
    [503, undefined, "ambiguous"],
    [504, undefined, "ambiguous"],
  ])("with %i %j is %s for every call", (status, body, outcome) => {
    for (const operation of PLATFORM_OPERATIONS)
      expect(classifyByStatus(operation, status, body)).toBe(outcome);
  });
});

describe("any answer at all", () => {
  const apis: [Classify, Operation[]][] = [
    [classifySsoV2, SSO_OPERATIONS],
    [classifyByStatus, PLATFORM_OPERATIONS],
  ];
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record({ error: fc.string() }),
    fc.record({ error: fc.jsonValue() }),
    fc.constantFrom(sso("not found"), sso("Client not found."), platform("not_found"), undefined),
  );

  it("has one of the outcomes", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...apis),
        fc.integer({ min: 100, max: 599 }),
        body,
        (api, status, content) => {
          const [classify, operations] = api;
          for (const operation of operations)
            expect(OUTCOMES).toContain(classify(operation, status, content));
        },
      ),
      { seed: SEED, numRuns: 1000 },
    );
  });

  it("to a create or a list is not 'absent' for an unknown 400, 404 or 422", () => {
    const call = fc.constantFrom<[Classify, Operation]>(
      [classifySsoV2, "sso.create_user"],
      [classifySsoV2, "sso.create_member"],
      [classifyByStatus, "platform.create_user"],
      [classifyByStatus, "platform.list_users"],
    );
    fc.assert(
      fc.property(
        call,
        fc.constantFrom(400, 404, 422),
        body,
        ([classify, operation], status, content) => {
          expect(classify(operation, status, content)).toBe("rejected");
        },
      ),
      { seed: SEED, numRuns: 1000 },
    );
  });

  it("that is not a success is never ok", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...apis),
        fc.integer({ min: 300, max: 599 }),
        body,
        (api, status, content) => {
          const [classify, operations] = api;
          for (const operation of operations)
            expect(classify(operation, status, content)).not.toBe("ok");
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe("an exchange that failed", () => {
  it.each([
    ["not_sent", "not_sent"],
    ["timeout", "ambiguous"],
    ["silent", "ambiguous"],
    ["connection_lost", "ambiguous"],
    ["stale", "ambiguous"],
    ["malformed", "invalid_response"],
    ["tls_error", "invalid_response"],
  ] as const)("as %s is %s", (failure, outcome) => {
    expect(FAILURE_OUTCOMES[failure]).toBe(outcome);
  });
});

describe("a connection that had ended while it was kept", () => {
  it.each<[Failure, UpstreamReason, boolean]>([
    ["ambiguous", "stale_connection", true],
    ["ambiguous", "silent_connection", true],
    ["ambiguous", "timeout", false],
    ["not_sent", "stale_connection", false],
  ])("is no sign of trouble: %s, %s: %s", (outcome, reason, expected) => {
    expect(isStale(answerOf(outcome, { reason }))).toBe(expected);
  });
});

describe("a refusal", () => {
  const call: MxCall = {
    operation: "platform.request_widget_url",
    userId: "u-1",
    kind: "widget_url",
    method: "POST",
    path: "/users/u-1/widget_urls",
  };

  it.each<[Outcome, number, boolean | undefined, Outcome]>([
    ["rejected", 400, true, "option_rejected"],
    ["rejected", 422, true, "option_rejected"],
    ["rejected", 400, false, "rejected"],
    ["rejected", 422, undefined, "rejected"],
    ["rejected", 401, true, "rejected"],
    ["rejected", 404, true, "rejected"],
    ["not_found", 400, true, "not_found"],
    ["conflict", 422, true, "conflict"],
    ["throttled", 429, true, "throttled"],
    ["ok", 200, true, "ok"],
  ])("(%s, %i) with options of the caller's: %s is %s", (outcome, status, hasOptions, blamed) => {
    const asked = hasOptions === undefined ? call : { ...call, hasCallerOptions: hasOptions };
    expect(blameOptions(outcome, status, asked)).toBe(blamed);
  });
});

describe("an answer of the SSO API v3 or MDX", () => {
  const URLS = "sso_v3.request_widget_url";

  it.each<[Operation, number, Outcome]>([
    [URLS, 200, "ok"],
    [URLS, 204, "ok"],
    [URLS, 299, "ok"],
    [URLS, 300, "invalid_response"],
    [URLS, 404, "not_found"],
    [URLS, 409, "rejected"],
    [URLS, 422, "rejected"],
    [URLS, 429, "throttled"],
    [URLS, 500, "ambiguous"],
    ["mdx.read_user", 404, "not_found"],
    ["mdx.create_user", 201, "ok"],
    ["mdx.create_user", 404, "rejected"],
    ["mdx.create_user", 409, "conflict"],
    ["mdx.create_member", 404, "not_found"],
    ["mdx.create_member", 409, "conflict"],
    ["mdx.update_member", 409, "rejected"],
  ])("to %s: %i is %s, whatever it says", (operation, status, outcome) => {
    for (const body of [undefined, sso("already exists"), sso("Member not found.")])
      expect(classifyByStatus(operation, status, body)).toBe(outcome);
  });
});

describe("what the caller is told", () => {
  it.each([
    ["throttled", {}, "upstream_unavailable", 1],
    ["throttled", { retryAfterSeconds: 5 }, "upstream_unavailable", 5],
    ["throttled", { retryAfterSeconds: 120 }, "upstream_unavailable", 30],
    ["throttled", { retryAfterSeconds: 0 }, "upstream_unavailable", 1],
    ["not_sent", { reason: "econnrefused" }, "upstream_unavailable", 1],
    ["ambiguous", { reason: "timeout" }, "upstream_timeout", undefined],
    ["ambiguous", { reason: "silent_connection" }, "upstream_timeout", undefined],
    ["ambiguous", { reason: "stale_connection" }, "upstream_unavailable", 1],
    ["option_rejected", { status: 400 }, "invalid_request", undefined],
    ["ambiguous", { reason: "und_err_socket" }, "upstream_unavailable", 1],
    ["ambiguous", { status: 502 }, "upstream_unavailable", 1],
    ["ambiguous", { status: 500 }, "upstream_unavailable", 1],
    ["ambiguous", { status: 200, reason: "unparseable" }, "upstream_bad_response", undefined],
    [
      "invalid_response",
      { status: 200, reason: "content_type" },
      "upstream_bad_response",
      undefined,
    ],
    ["invalid_response", { status: 302 }, "upstream_bad_response", undefined],
    ["rejected", { status: 401 }, "upstream_rejected", undefined],
    ["not_found", { status: 400 }, "upstream_rejected", undefined],
    ["conflict", { status: 409 }, "upstream_rejected", undefined],
  ] as const)("about %s %j is %s", (outcome, parts, code, retryAfterSeconds) => {
    const error = toAppError(answerOf(outcome, parts));
    const { status, reason } = { status: undefined, reason: undefined, ...parts };
    const upstream = { operation: "sso.read_user", outcome, status, reason };
    expect(error).toMatchObject({ code, upstream });
    expect(error.retryAfterSeconds).toBe(retryAfterSeconds);
  });

  it("holds nothing of MX's answer, whatever it was", () => {
    const answer = fc.record({
      outcome: fc.constantFrom(...FAILURES),
      body: fc.constantFrom<unknown>("canary", { error: "canary" }, { user: { email: "canary" } }),
      status: fc.integer({ min: 200, max: 599 }),
      reason: fc.constantFrom("timeout" as const, "unparseable" as const, "schema" as const),
      retryAfterSeconds: fc.option(fc.nat(), { nil: undefined }),
    });
    fc.assert(
      fc.property(answer, ({ outcome, ...parts }) => {
        const error = toAppError(answerOf(outcome, parts));
        expect(error).toBeInstanceOf(AppError);
        expect(JSON.stringify([error, error.message, error.cause])).not.toContain("canary");
        expect(error.retryAfterSeconds ?? 1).toBeGreaterThanOrEqual(1);
        expect(error.retryAfterSeconds ?? 1).toBeLessThanOrEqual(30);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
