/**
 * What MX learns of a new user: from the login's claims, the issuer's userinfo endpoint or the partner's lookup, and no more
 * than the operator lets through.
 *
 * Source: MX SSO API v2, Guide, "User create"; docs/privacy.md.
 */

import { describe, expect, it } from "vitest";
import { startIdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import { expectNoCanary, PEOPLE, TOKEN_CLAIMS } from "../support/canaries.ts";
import { stopClock } from "../support/clock.ts";
import { SESSION_COOKIE, startPartnerLogin } from "../support/partner-login.ts";
import { startPartnerLookup } from "../support/partner-lookup.ts";
import { type Started, start } from "../support/start.ts";

/** All of it invented; every field takes another value than the same person's token. */
const GRACE = {
  given_name: "Grace",
  family_name: "Murray",
  email: "grace.murray@example.com",
  phone_number: "+1 801 555 0199",
  birthdate: "1906-12-09",
  gender: "female",
  address: { postal_code: "84001" },
  fico: 712,
};
const GRACE_AT_MX = {
  first_name: "Grace",
  last_name: "Murray",
  email: "grace.murray@example.com",
  phone: "8015550199",
  birthdate: "1906-12-09",
  sex: "FEMALE",
  credit_score: 712,
  zip_code: "84001",
};
const FICO = { PROFILE_CLAIMS: '{"credit_score":"fico"}' };

/** What MX was told about the only User. */
function sent({ mx }: Started): unknown {
  const [call] = [...mx.calls.of("sso.create_user"), ...mx.calls.of("platform.create_user")];
  return call?.body;
}

async function logIn(service: Started, subject: string, claims: object) {
  const token = await service.issuer.issueToken(subject, { claims: { ...claims } });
  return service.check(service.request().set("Authorization", `Bearer ${token}`));
}

function profileFailures({ log }: Started): Record<string, unknown>[] {
  return log
    .map((line) => JSON.parse(line))
    .filter((line) => line["event.name"] === "profile.unavailable");
}

/** An issuer whose access tokens hold no profile, as most do. */
function leanIssuer() {
  return startIdentityProvider({
    users: { ...PEOPLE, grace: GRACE },
    claims: TOKEN_CLAIMS,
    profileInTokens: false,
  });
}

describe("the profile of a new user", () => {
  it("has all eight fields of MX's guide, from claims", async () => {
    await using service = await start({ apis: "sso", environment: FICO });

    expect((await logIn(service, "u-1", GRACE)).status).toBe(200);

    expect(sent(service)).toEqual({ external_user_guid: "u-1", ...GRACE_AT_MX });
  });

  it("has all eight fields from claims of other names", async () => {
    const PROFILE_CLAIMS = JSON.stringify({
      credit_score: "https://bank.example/fico",
      zip_code: "home.address.zip",
      first_name: "names.0",
      email: "mail",
    });
    await using service = await start({ apis: "sso", environment: { PROFILE_CLAIMS } });
    const { given_name: _, email: __, address: ___, fico: ____, ...others } = GRACE;

    const claims = {
      ...others,
      "https://bank.example/fico": "712",
      home: { address: { zip: "84001" } },
      names: ["Grace", "Brewster"],
      mail: GRACE.email,
    };
    expect((await logIn(service, "u-1", claims)).status).toBe(200);

    expect(sent(service)).toEqual({ external_user_guid: "u-1", ...GRACE_AT_MX });
  });

  it("leaves out what MX would refuse, and keeps the rest", async () => {
    await using service = await start({ apis: "sso", environment: FICO });

    const claims = { ...GRACE, email: "nobody", birthdate: "1906", fico: 7, gender: "x" };
    expect((await logIn(service, "u-1", claims)).status).toBe(200);

    const { email, birthdate, credit_score, sex, ...kept } = GRACE_AT_MX;
    expect(sent(service)).toEqual({ external_user_guid: "u-1", ...kept });
  });

  it("is e-mail address and name with the Platform API, as MX's guide has it", async () => {
    await using service = await start({ environment: FICO });

    expect((await logIn(service, "u-1", GRACE)).status).toBe(200);

    expect(sent(service)).toEqual({
      user: {
        id: "u-1",
        is_disabled: false,
        email: GRACE.email,
        metadata: '{"first_name":"Grace","last_name":"Murray"}',
      },
    });
  });
});

describe("PROFILE_SOURCE=userinfo", () => {
  const environment = { ...FICO, PROFILE_SOURCE: "userinfo" };

  it("sends all eight fields of the issuer's answer, once, and never again", async () => {
    await using issuer = await leanIssuer();
    await using service = await start({ apis: "sso", environment, issuer });

    expect((await service.post("grace")).status).toBe(200);
    expect((await service.post("grace")).status).toBe(200);

    expect(sent(service)).toEqual({ external_user_guid: "grace", ...GRACE_AT_MX });
    expect(issuer.requests.userinfo).toBe(1);
  });

  it("takes the place of the token's own claims", async () => {
    await using issuer = await leanIssuer();
    await using service = await start({ apis: "sso", environment, issuer });

    const inToken = { given_name: "Old", family_name: "Name", locale: "en" };
    expect((await logIn(service, "grace", inToken)).status).toBe(200);

    expect(sent(service)).toEqual({ external_user_guid: "grace", ...GRACE_AT_MX });
  });

  it.each(["platform", "both"] as const)("works with %s as well", async (apis) => {
    await using issuer = await leanIssuer();
    await using service = await start({ apis, environment, issuer });

    expect((await service.post("grace")).status).toBe(200);
    expect((await service.post("grace")).status).toBe(200);

    expect(JSON.stringify(sent(service))).toContain(GRACE.email);
    expect(issuer.requests.userinfo).toBe(1);
  });

  it("is not asked for a User that exists already, with the older Platform API either", async () => {
    await using issuer = await leanIssuer();
    await using service = await start({
      environment: { ...environment, MX_PLATFORM_VERSION: "v20111101" },
      issuer,
    });
    service.mx.state.createUser({ id: "grace" });

    expect((await service.post("grace")).status).toBe(200);

    expect(issuer.requests.userinfo).toBe(0);
    expect(service.mx.calls.of("platform.create_user")).toEqual([]);
  });

  it("is asked with an opaque token, too", async () => {
    await using issuer = await leanIssuer();
    await using login = await startPartnerLogin();
    await using service = await start({
      apis: "sso",
      environment: { ...environment, ...login.environment },
      issuer,
    });
    issuer.acceptToken("opaque-token", "grace");
    login.tokens.set("opaque-token", { active: true, sub: "grace", aud: "mx-session-bff" });

    const test = service.request().set("Authorization", "Bearer opaque-token");
    expect((await service.check(test)).status).toBe(200);

    expect(sent(service)).toEqual({ external_user_guid: "grace", ...GRACE_AT_MX });
  });

  it("is not asked about a session: the profile is that of the session check", async () => {
    await using issuer = await leanIssuer();
    await using login = await startPartnerLogin();
    await using service = await start({
      apis: "sso",
      environment: { ...environment, ...login.environment },
      issuer,
    });
    login.sessions.set("session-1", { sub: "grace", ...GRACE, given_name: "Amazing" });

    const test = service
      .request()
      .set("Cookie", `${SESSION_COOKIE}=session-1`)
      .set("X-CSRF", "1")
      .set("Sec-Fetch-Site", "same-origin");
    expect((await service.check(test)).status).toBe(200);

    expect(sent(service)).toMatchObject({ ...GRACE_AT_MX, first_name: "Amazing" });
    expect(issuer.requests.userinfo).toBe(0);
  });

  it.each([
    ["500", { "upstream.outcome": "rejected", "upstream.status": 500 }],
    ["401", { "upstream.outcome": "rejected", "upstream.status": 401 }],
    ["redirect", { "upstream.outcome": "rejected", "upstream.status": 302 }],
    ["html", { "upstream.reason": "schema" }],
    ["huge", { "upstream.operation": "partner.userinfo" }],
    ["silence", { "upstream.reason": expect.stringMatching(/^(timeout|silent_connection)$/) }],
    ["other_subject", { "upstream.reason": "other_subject" }],
  ] as const)("(%s) fails without harm: the claims of the token are used", async (mode, line) => {
    using _clock = stopClock();
    await using issuer = await leanIssuer();
    await using service = await start({
      apis: "sso",
      environment: { ...environment, REQUEST_DEADLINE: "3s" },
      issuer,
    });
    issuer.failUserinfo(mode);

    expect((await logIn(service, "grace", { given_name: "Token" })).status).toBe(200);

    expect(sent(service)).toEqual({ external_user_guid: "grace", first_name: "Token" });
    expect(profileFailures(service)).toEqual([
      expect.objectContaining({
        level: "warn",
        tenant: "default",
        "user.hash": expect.any(String),
        "upstream.operation": "partner.userinfo",
        ...line,
      }),
    ]);
  });

  it("fails without harm where the issuer has no discovery", async () => {
    await using issuer = await leanIssuer();
    await using service = await start({
      apis: "sso",
      environment: {
        ...environment,
        AUTH_ISSUER: `${issuer.issuer}/elsewhere`,
        AUTH_JWKS_URL: issuer.jwksUrl,
      },
      issuer,
    });

    const claims = { iss: `${issuer.issuer}/elsewhere`, given_name: "Token" };
    expect((await logIn(service, "grace", claims)).status).toBe(200);

    expect(sent(service)).toEqual({ external_user_guid: "grace", first_name: "Token" });
    expect(profileFailures(service)).toHaveLength(1);
  });
});

describe("PROFILE_SOURCE=lookup", () => {
  const PROFILE = { ...GRACE_AT_MX, phone: "(801) 555-0199", ssn: "078-05-1120" };

  it.each([
    [
      "the credentials come from it",
      { MEMBER_CREDENTIALS: "lookup", MEMBER_USERKEY_SECRET: undefined },
      [2, 1],
    ],
    ["the credentials are derived", {}, [1, 1]],
  ])(
    "sends all eight fields of its answer where %s",
    async (_what, credentials, [times, creates]) => {
      await using lookup = await startPartnerLookup({ userkey: "k-1", profile: PROFILE });
      await using service = await start({
        apis: "sso",
        environment: { ...lookup.environment, ...credentials, PROFILE_SOURCE: "lookup" },
      });

      expect((await service.post("ada")).status).toBe(200);
      expect((await service.post("ada")).status).toBe(200);

      expect(sent(service)).toEqual({ external_user_guid: "ada", ...GRACE_AT_MX });
      expect(service.mx.calls.of("sso.create_user")).toHaveLength(creates ?? 0);
      expect(lookup.questions).toHaveLength(times ?? 0); // For a profile alone it is asked once.
    },
  );

  it("serves the Platform API alone", async () => {
    await using lookup = await startPartnerLookup({ profile: PROFILE });
    await using service = await start({
      environment: { ...lookup.environment, PROFILE_SOURCE: "lookup" },
    });

    expect((await service.post("ada")).status).toBe(200);
    expect((await service.post("ada")).status).toBe(200);

    expect(sent(service)).toMatchObject({ user: { id: "ada", email: GRACE.email } });
    expect(lookup.questions).toEqual([
      { user_id: "ada", issuer: service.issuer.issuer, subject: "ada" },
    ]);
  });

  it.each([
    ["says nothing", { userkey: "k-1" }, "Token", 0],
    ["says null", { userkey: "k-1", profile: null }, "Token", 0],
    ["has an empty profile", { userkey: "k-1", profile: {} }, undefined, 0],
    ["has text for a profile", { userkey: "k-1", profile: "Grace" }, "Token", 1],
    ["has a list for a profile", { userkey: "k-1", profile: ["Grace"] }, "Token", 1],
  ])("%s: the login goes on", async (_what, answer, first_name, failures) => {
    await using lookup = await startPartnerLookup(answer);
    await using service = await start({
      apis: "sso",
      environment: {
        ...lookup.environment,
        MEMBER_CREDENTIALS: "lookup",
        MEMBER_USERKEY_SECRET: undefined,
        PROFILE_SOURCE: "lookup",
        PROFILE_FIELDS: "first_name",
      },
    });

    expect((await logIn(service, "u-1", { given_name: "Token" })).status).toBe(200);

    expect(sent(service)).toEqual({ external_user_guid: "u-1", first_name });
    expect(profileFailures(service)).toHaveLength(failures);
  });

  it.each([
    ["an error", 500, 1],
    ["a refusal", 401, 1],
    ["no such user", 404, 0],
  ])(
    "answers %s where only the profile is wanted: the login goes on",
    async (_what, status, failures) => {
      await using lookup = await startPartnerLookup((_question, res) => {
        res.writeHead(status).end();
        return undefined;
      });
      await using service = await start({
        environment: { ...lookup.environment, PROFILE_SOURCE: "lookup" },
      });

      expect((await logIn(service, "u-1", { email: "token@example.com" })).status).toBe(200);

      expect(sent(service)).toMatchObject({ user: { email: "token@example.com" } });
      expect(profileFailures(service)).toHaveLength(failures);
    },
  );

  it("is given up after a third of the deadline", async () => {
    using _clock = stopClock();
    await using lookup = await startPartnerLookup(() => undefined);
    await using service = await start({
      environment: { ...lookup.environment, PROFILE_SOURCE: "lookup", REQUEST_DEADLINE: "3s" },
    });

    expect((await logIn(service, "u-1", { email: "token@example.com" })).status).toBe(200);

    expect(sent(service)).toMatchObject({ user: { email: "token@example.com" } });
    expect(profileFailures(service)).toEqual([
      expect.objectContaining({ "upstream.operation": "partner.credential_lookup" }),
    ]);
  });
});

describe("PROFILE_FIELDS", () => {
  /** Canaries in every claim that any rule could read, and in those that none does. */
  const CANARIES = {
    ...PEOPLE.ada,
    ...Object.fromEntries(
      ["name", "nickname", "preferred_username", "picture", "locale", "fico", "metadata"].map(
        (claim) => [claim, PEOPLE.ada?.given_name],
      ),
    ),
    first_name: PEOPLE.ada?.given_name,
    zip_code: PEOPLE.ada?.address.postal_code,
    credit_score: 777,
  };

  it.each([
    ["platform", "claims"],
    ["sso", "claims"],
    ["both", "claims"],
    ["sso", "userinfo"],
    ["sso", "lookup"],
    ["platform", "lookup"],
  ] as const)("none lets nothing through: %s, from %s", async (apis, PROFILE_SOURCE) => {
    await using lookup = await startPartnerLookup({ profile: CANARIES });
    await using issuer = await startIdentityProvider({
      users: { ada: CANARIES },
      claims: TOKEN_CLAIMS,
    });
    const PROFILE_CLAIMS = JSON.stringify({
      first_name: "nickname",
      credit_score: "credit_score",
      zip_code: "address.postal_code",
    });
    await using service = await start({
      apis,
      issuer,
      environment: {
        ...lookup.environment,
        PROFILE_SOURCE,
        PROFILE_CLAIMS,
        PROFILE_FIELDS: "none",
      },
    });

    expect((await service.post("ada")).status).toBe(200);

    const own =
      apis === "platform"
        ? { user: { id: "ada", is_disabled: false } }
        : { external_user_guid: "ada" };
    expect(sent(service)).toEqual(own);
    const bodies = JSON.stringify(service.mx.calls.all.map(({ body }) => body));
    expectNoCanary("what MX was told", bodies, ["777", "FEMALE"]);
    expect(issuer.requests.userinfo).toBe(0);
    expect(lookup.questions).toEqual([]);
  });

  it.each([
    ["email", { email: GRACE.email }],
    ["metadata", {}],
    ["metadata,first_name", { metadata: '{"first_name":"Grace"}' }],
    ["first_name,last_name", {}],
    ["last_name,email,metadata", { email: GRACE.email, metadata: '{"last_name":"Murray"}' }],
  ])("%s lets %j through to the Platform API", async (PROFILE_FIELDS, fields) => {
    await using service = await start({ environment: { PROFILE_FIELDS } });

    expect((await logIn(service, "u-1", GRACE)).status).toBe(200);

    expect(sent(service)).toEqual({ user: { id: "u-1", is_disabled: false, ...fields } });
  });

  it("holds for the SSO API, which has no metadata", async () => {
    const environment = { ...FICO, PROFILE_FIELDS: "credit_score,zip_code,metadata,last_name" };
    await using service = await start({ apis: "sso", environment });

    expect((await logIn(service, "u-1", GRACE)).status).toBe(200);

    const { credit_score, zip_code, last_name } = GRACE_AT_MX;
    expect(sent(service)).toEqual({ external_user_guid: "u-1", credit_score, zip_code, last_name });
  });
});
