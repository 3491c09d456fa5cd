import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Authenticator,
  type Authenticators,
  type CredentialHeaders,
  createAuthentication,
  findCredential,
} from "../../../src/auth/authenticate.ts";
import { createBudget } from "../../../src/session/budget.ts";
import { principalOf } from "../fakes.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const CREDENTIALS = [
  ["a JWT", { authorization: "Bearer a.b.c" }, "a.b.c"],
  ["an opaque token", { authorization: "Bearer abc" }, "abc"],
  ["a token in a cookie", { cookie: "token=a.b.c" }, "a.b.c"],
  ["a session cookie", { cookie: "sid=s" }, undefined],
] as const;

function setUp(authenticator: Authenticator) {
  const { authenticate } = createAuthentication({
    jwt: authenticator,
    introspection: authenticator,
    tokenCookie: "token",
    session: { cookie: "sid", authenticate: authenticator },
  });
  const budget = createBudget({ deadlineMs: 1000, now: () => Date.now() });
  return { authenticate, budget };
}

describe.each(CREDENTIALS)("%s", (_what, headers, token) => {
  it("that is judged in time names the caller", async () => {
    const principal = principalOf();
    const { authenticate, budget } = setUp(async () => principal);
    expect(await authenticate(headers, budget)).toMatchObject(principal);
  });

  it(`hands on ${token ?? "nothing"}, for userinfo`, async () => {
    const { authenticate, budget } = setUp(async () => principalOf());
    const principal = await authenticate(headers, budget);
    if (token === undefined) expect(principal).not.toHaveProperty("token");
    else expect(principal.token?.reveal()).toBe(token);
  });

  it("is not waited for until there is no time left for MX", async () => {
    const waits: number[] = [];
    const { authenticate, budget } = setUp((_credential, timeoutMs) => {
      waits.push(timeoutMs);
      return new Promise(() => {});
    });
    const refused = expect(authenticate(headers, budget)).rejects.toMatchObject({
      code: "auth_unavailable",
      reason: "deadline",
      retryAfterSeconds: 1,
    });
    await vi.advanceTimersByTimeAsync(600);
    await refused;
    expect(waits).toEqual([600]);
  });

  it("that was judged too late is the login's fault, although the timer was late too", async () => {
    const judgedIn = (ms: number) => {
      const { authenticate, budget } = setUp(async () => {
        vi.setSystemTime(Date.now() + ms);
        return principalOf();
      });
      return authenticate(headers, budget);
    };
    expect(await judgedIn(750)).toMatchObject({ subject: "u-1" });
    await expect(judgedIn(751)).rejects.toMatchObject({
      code: "auth_unavailable",
      reason: "deadline",
    });
  });
});

it.each([
  ["jwt", { authorization: "Bearer a.b.c" }, "a.b.c"],
  ["introspection", { authorization: "Bearer abc" }, "abc"],
  ["jwt", { cookie: "token=a.b.c" }, "a.b.c"],
  ["session", { cookie: "a=1; sid=s" }, "sid=s"],
])("%s alone judges its own kind: %j", async (name, headers, credential) => {
  const judged: unknown[] = [];
  const judgeAs =
    (kind: string): Authenticator =>
    async (given) => {
      judged.push([kind, given]);
      return principalOf();
    };
  const { authenticate } = createAuthentication({
    jwt: judgeAs("jwt"),
    introspection: judgeAs("introspection"),
    tokenCookie: "token",
    session: { cookie: "sid", authenticate: judgeAs("session") },
  });
  await authenticate(headers, createBudget({ deadlineMs: 8000 }));
  expect(judged).toEqual([[name, credential]]);
});

const NONE: Authenticators = {
  jwt: undefined,
  introspection: undefined,
  tokenCookie: undefined,
  session: undefined,
};

describe("a service that is configured for", () => {
  const judge: Authenticator = async () => principalOf();

  it.each([
    ["JWTs", { jwt: judge }, false],
    ["opaque tokens", { introspection: judge }, false],
    ["JWTs in a cookie", { jwt: judge, tokenCookie: "token" }, true],
    ["a session cookie", { session: { cookie: "sid", authenticate: judge } }, true],
  ])("%s takes cookies: %3$s", (_what, configured, takesCookies) => {
    const authentication = createAuthentication({ ...NONE, ...configured });
    expect(authentication.takesCookies).toBe(takesCookies);
    const cookie = "token=a.b.c; sid=s";
    expect(authentication.isByCookie({ cookie })).toBe(takesCookies);
    expect(authentication.isByCookie({ cookie, authorization: "Bearer x" })).toBe(false);
  });

  it("opaque tokens alone asks about one with two dots, too", async () => {
    const { authenticate } = createAuthentication({ ...NONE, introspection: judge });
    const headers = { authorization: "Bearer a.b.c" };
    expect(await authenticate(headers, createBudget({ deadlineMs: 8000 }))).toMatchObject({
      subject: "u-1",
    });
  });
});

const byJwt: Authenticator = async () => principalOf({ by: "jwt" });
const byIntrospection: Authenticator = async () => principalOf({ by: "introspection" });
const bySession: Authenticator = async () => principalOf({ by: "session" });

const ALL: Authenticators = {
  jwt: byJwt,
  introspection: byIntrospection,
  tokenCookie: "__Host-token",
  session: { cookie: "sid", authenticate: bySession },
};
const JWT_ONLY: Authenticators = { ...NONE, jwt: byJwt };

const LONG = "x".repeat(30_000);

const jwt = (text: string) => ({ authenticate: byJwt, text, isToken: true });
const opaque = (text: string) => ({ authenticate: byIntrospection, text, isToken: true });
const session = (value: string) => cookies(`sid=${value}`);
const cookies = (text: string) => ({ authenticate: bySession, text, isToken: false });
const isByCookie = (authenticators: Authenticators, headers: CredentialHeaders) =>
  createAuthentication(authenticators).isByCookie(headers);

describe("the credential of a request", () => {
  it.each<[string, CredentialHeaders, object]>([
    ["a bearer token with two dots", { authorization: "Bearer a.b.c" }, jwt("a.b.c")],
    ["another bearer token", { authorization: "bearer abc==" }, opaque("abc==")],
    ["one with four dots", { authorization: "Bearer a.b.c.d.e" }, opaque("a.b.c.d.e")],
    ["a token in a cookie", { cookie: "__Host-token=a.b.c" }, jwt("a.b.c")],
    ["a session cookie", { cookie: "sid=s%3A1.x/y+z==" }, session("s%3A1.x/y+z==")],
    ["a quoted cookie", { cookie: 'sid="s-1"' }, session('"s-1"')],
    ["one of many cookies", { cookie: "a=1;sid=s-1; xsid=2;sid2=3" }, session("s-1")],
    ["a header before cookies", { authorization: "Bearer x", cookie: "sid=s" }, opaque("x")],
    ["a cookie that comes twice", { cookie: "sid=s; other=1; sid=s" }, session("s")],
    ["a token that comes twice", { cookie: "__Host-token=a.b.c;__Host-token=a.b.c" }, jwt("a.b.c")],
    ["chunks of Auth.js", { cookie: "sid.1=b; x=1; sid.0=a" }, cookies("sid.1=b; sid.0=a")],
    [
      "chunks with large numbers",
      { cookie: "sid.9999=b; sid.10=a" },
      cookies("sid.9999=b; sid.10=a"),
    ],
    ["chunks of oauth2-proxy", { cookie: "sid_0=a; sid_1=b" }, cookies("sid_0=a; sid_1=b")],
    [
      "chunks of ASP.NET Core",
      { cookie: "sid=chunks-2; sidC1=a; sidC2=b" },
      cookies("sid=chunks-2; sidC1=a; sidC2=b"),
    ],
    [
      "chunks that come twice",
      { cookie: "sid.0=a; sid.1=b; sid.0=a" },
      cookies("sid.0=a; sid.1=b"),
    ],
    ["the session without its neighbours", { cookie: "sid_csrf=1; sid.x=2; sid=s" }, session("s")],
    ["of 30 kB", { authorization: `Bearer ${LONG}` }, opaque(LONG)],
    ["of 30 kB in a cookie", { cookie: `sid=${LONG}` }, session(LONG)],
    ["the token before the session", { cookie: "sid=s; __Host-token=a.b.c" }, jwt("a.b.c")],
  ])("is %s", (_what, headers, proof) => {
    expect(findCredential(ALL, headers)).toEqual(proof);
  });

  it.each<[string, CredentialHeaders, string]>([
    ["nothing", {}, "no_credential"],
    ["other cookies", { cookie: "SID=1; sid2=1" }, "no_credential"],
    ["names without a value", { cookie: "sid ; sid; sidx; __Host-tokenx" }, "no_credential"],
    [
      "cookies that are nearly chunks",
      {
        cookie:
          "sid.=1; sid.a=1; sid-0=1; sidc1=1; sidC=1; sid.0.0=1; sid.12345=1; xsid.0=1; sid.-1=1",
      },
      "no_credential",
    ],
    ["an empty header", { authorization: "", cookie: "sid=s" }, "scheme"],
    ["another scheme", { authorization: "Basic YTpi", cookie: "sid=s" }, "scheme"],
    ["two cookies", { cookie: "sid=a; sid=b" }, "cookie_twice"],
    ["two tokens", { cookie: "__Host-token=a.b.c; __Host-token=a.b.d" }, "cookie_twice"],
    ["two chunks of one number", { cookie: "sid.0=a; sid.1=b; sid.0=c" }, "cookie_twice"],
    ["a chunk with a bad value", { cookie: 'sid.0=a; sid.1="b' }, "cookie_value"],
    ["two cookies, one empty", { cookie: "sid=; sid=a" }, "cookie_twice"],
    ["a bad token cookie beside a session", { cookie: "__Host-token=; sid=a" }, "cookie_value"],
    ...[
      "",
      '"',
      '"a',
      'a"',
      "a b",
      "a,b",
      "a\\b",
      "a\tb",
      "a\r\nb",
      "a\0b",
      "\u00e9",
      '""',
      "a\u00a0",
      "a\u000b",
      "a\ufeff",
    ].map((value): [string, CredentialHeaders, string] => [
      `the cookie ${JSON.stringify(value)}`,
      { cookie: `sid=${value}` },
      "cookie_value",
    ]),
  ])("is none with %s", (_what, headers, reason) => {
    expect(() => findCredential(ALL, headers)).toThrow(
      expect.objectContaining({ code: "unauthenticated", reason }),
    );
  });

  it.each(
    ["\u00a0", "\u0085", "\u000b", "\u000c", "\u00ad", "\u2003", "\ufeff", "\0", "\r\n"].flatMap(
      (blank) => [
        `${blank}sid=evil`,
        ` ${blank}sid=evil`,
        `a=1;${blank} sid=evil`,
        `sid${blank}=evil`,
      ],
    ),
  )("is none in %j: a cookie of another name", (cookie) => {
    expect(() => findCredential(ALL, { cookie })).toThrow(
      expect.objectContaining({ code: "unauthenticated", reason: "no_credential" }),
    );
    expect(isByCookie(ALL, { cookie })).toBe(false);
  });

  it.each(["sid=s", "\tsid=s", "a=1;\t sid=s", "sid=s \t;b=2", "sid=s\t"])(
    "is found in %j",
    (cookie) => {
      expect(findCredential(ALL, { cookie })).toEqual(session("s"));
    },
  );

  it("is only what is configured", () => {
    const without = (parts: Partial<Authenticators>) => ({ ...ALL, ...parts });
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

    const refuses = (configured: Authenticators, headers: CredentialHeaders, reason: string) =>
      expect(() => findCredential(configured, headers)).toThrow(
        expect.objectContaining({ reason }),
      );

    refuses(JWT_ONLY, bearer("abc"), "not_a_jwt");
    refuses(JWT_ONLY, { cookie: "sid=s; __Host-token=a.b.c; undefined=x" }, "no_credential");
    expect(findCredential(without({ jwt: undefined }), bearer("a.b.c"))).toEqual(opaque("a.b.c"));
    const sessionsOnly = without({ ...NONE, session: ALL.session });
    refuses(sessionsOnly, { ...bearer("a.b.c"), cookie: "sid=s" }, "no_bearer_tokens_here");
  });

  it.each<[CredentialHeaders, boolean]>([
    [{}, false],
    [{ cookie: "other=1" }, false],
    [{ cookie: "sid=1" }, true],
    [{ cookie: "sid=" }, true],
    [{ cookie: "sid=1; sid=2" }, true],
    [{ cookie: "__Host-token=1" }, true],
    [{ cookie: "sid.0=1" }, true],
    [{ cookie: "sid_7=1" }, true],
    [{ cookie: "sidC1=1" }, true],
    [{ cookie: "sid_csrf=1" }, false],
    [{ cookie: "sid=1", authorization: "" }, false],
    [{ cookie: "sid=1", authorization: "Bearer x" }, false],
  ])("of %j is by cookie: %s", (headers, expected) => {
    expect(isByCookie(ALL, headers)).toBe(expected);
    expect(isByCookie(JWT_ONLY, headers)).toBe(false);
  });
});
