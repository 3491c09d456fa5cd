import { KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  CompactEncrypt,
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";
import { describe, expect, it } from "vitest";
import { createAuthentication } from "../../../src/auth/authenticate.ts";
import type { TenantTrust } from "../../../src/auth/claims.ts";
import { createIssuerKeys, type FindKeys } from "../../../src/auth/issuer-keys.ts";
import { createJwtAuthenticator, type TrustedIssuer } from "../../../src/auth/jwt.ts";
import { AppError } from "../../../src/errors.ts";
import { frozenBudget, tenantOf, trustOf } from "../fakes.ts";

const ISSUER = "https://login.example.com";
const AUDIENCE = "mx-session";
const TENANT = tenantOf();
const WAIT_MS = 7600;

const [rsa, foreign, ec, ed] = await Promise.all([
  generateKeyPair("RS256", { extractable: true }),
  generateKeyPair("RS256"),
  generateKeyPair("ES256"),
  generateKeyPair("EdDSA"),
]);
const rsaJwk = await exportJWK(rsa.publicKey);
const ecJwk = await exportJWK(ec.publicKey);

type Setup = Partial<TrustedIssuer> & {
  published?: JWK[];
  refreshed?: JWK[];
  rule?: Partial<TenantTrust>;
};

function authenticatorFor(setup: Setup = {}) {
  const { published = [{ ...rsaJwk, kid: "rsa-1" }], refreshed, rule, ...trusted } = setup;
  const loads = { count: -1 }; // Without the one at the start.
  const keys = createIssuerKeys({
    async load() {
      loads.count += 1;
      return { keys: (loads.count > 0 && refreshed) || published };
    },
  });
  const authenticate = createJwtAuthenticator([
    {
      issuer: ISSUER,
      algorithms: ["RS256"],
      tokenType: undefined,
      tenants: [trustOf({ tenant: TENANT, ...rule })],
      findKeys: keys.find,
      ...trusted,
    },
  ]);
  return { authenticate: (jwt: string) => authenticate(jwt, WAIT_MS), loads };
}

const seconds = () => Math.floor(Date.now() / 1000);

type TokenOptions = {
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  key?: CryptoKey | Uint8Array;
};

/** A good token, but for what is said. A claim that is `undefined` is left out. */
function token({ claims = {}, header = {}, key = rsa.privateKey }: TokenOptions = {}) {
  const payload = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "u-1",
    iat: seconds(),
    exp: seconds() + 300,
    ...claims,
  };
  return new SignJWT(payload as JWTPayload)
    .setProtectedHeader({ alg: "RS256", kid: "rsa-1", ...header } as JWTHeaderParameters)
    .sign(key);
}

/** Signed with the issuer's own key, although nobody should: only the rule that is tested can refuse it. */
function signed(header: unknown, payload: unknown = goodClaims()): string {
  const content = `${encode(header)}.${encode(payload)}`;
  const signature = sign("sha256", Buffer.from(content), KeyObject.from(rsa.privateKey));
  return `${content}.${signature.toString("base64url")}`;
}

const encode = (part: unknown) =>
  Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");

/** The good token with a part taken away or exchanged. */
async function forged(parts: { header?: unknown; payload?: unknown; signature?: string }) {
  const [header = "", payload = "", signature = ""] = (await token()).split(".");
  return [
    parts.header === undefined ? header : encode(parts.header),
    parts.payload === undefined ? payload : encode(parts.payload),
    parts.signature ?? signature,
  ].join(".");
}

const goodClaims = () => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: "u-1",
  iat: seconds(),
  exp: seconds() + 300,
});

async function refusalOf(jwt: string, setup: Setup = {}): Promise<AppError> {
  const { authenticate } = authenticatorFor(setup);
  const error: unknown = await authenticate(jwt).catch((thrown: unknown) => thrown);
  if (!(error instanceof AppError)) throw new Error("the token was accepted");
  return error;
}

/** One outward text, whatever is wrong. */
const REFUSED = {
  code: "unauthenticated",
  message: "A valid login is needed.",
  errors: undefined,
  cause: undefined,
  upstream: undefined,
};

describe("a token", () => {
  it("of the issuer proves who calls", async () => {
    const jwt = await token({ claims: { given_name: "Ada", org: "a" } });
    expect(await authenticatorFor().authenticate(jwt)).toEqual({
      issuer: ISSUER,
      subject: "u-1",
      claims: expect.objectContaining({ sub: "u-1", given_name: "Ada", org: "a" }),
      tenant: TENANT,
    });
  });

  it("is good when it was signed as the forged ones below are", async () => {
    const jwt = signed({ alg: "RS256", kid: "rsa-1" });
    expect(await authenticatorFor().authenticate(jwt)).toMatchObject({ subject: "u-1" });
  });

  it.each([
    ["no kid", undefined],
    ["a kid that two keys have", "twice"],
  ])("is tried with both keys that fit, with %s", async (_what, kid) => {
    const published = [
      { ...(await exportJWK(foreign.publicKey)), kid: "twice" },
      { ...rsaJwk, kid: "twice" },
    ];
    const jwt = await token({ header: { kid } });
    for (const order of [published, published.toReversed()])
      expect(await authenticatorFor({ published: order }).authenticate(jwt)).toMatchObject({
        subject: "u-1",
      });
  });

  it("needs no kid where there is one key", async () => {
    const jwt = await token({ header: { kid: undefined } });
    expect(await authenticatorFor().authenticate(jwt)).toMatchObject({ subject: "u-1" });
  });

  it.each([
    ["ES256", ec],
    ["EdDSA", ed],
  ])("can be signed with %s where that is allowed", async (alg, pair) => {
    const published = [await exportJWK(pair.publicKey)];
    const jwt = await token({ header: { alg, kid: undefined }, key: pair.privateKey });
    const { authenticate } = authenticatorFor({ published, algorithms: ["RS256", alg] });
    expect(await authenticate(jwt)).toMatchObject({ subject: "u-1" });
  });

  it("can be for several audiences, ours among them", async () => {
    const jwt = await token({ claims: { aud: ["other", AUDIENCE] } });
    expect(await authenticatorFor().authenticate(jwt)).toMatchObject({ subject: "u-1" });
  });

  it("can have a key that was published a moment ago", async () => {
    const { authenticate, loads } = authenticatorFor({
      published: [{ ...ecJwk, kid: "old" }],
      refreshed: [{ ...rsaJwk, kid: "rsa-1" }],
    });
    expect(await authenticate(await token())).toMatchObject({ subject: "u-1" });
    expect(loads.count).toBe(1);
  });

  it("goes to the tenant of its issuer, by its issuer's keys", async () => {
    const common = { algorithms: ["RS256"], tokenType: undefined };
    const trust = (issuer: string, key: JWK, name: string): TrustedIssuer => ({
      ...common,
      issuer,
      tenants: [trustOf({ issuers: [issuer], tenant: tenantOf({ name }) })],
      findKeys: createIssuerKeys({ load: async () => ({ keys: [key] }) }).find,
    });
    const authenticate = createJwtAuthenticator([
      trust("https://a.example", rsaJwk, "a"),
      trust("https://b.example", await exportJWK(foreign.publicKey), "b"),
    ]);
    const ofA = { claims: { iss: "https://a.example" }, header: { kid: undefined } };
    expect(await authenticate(await token(ofA), WAIT_MS)).toMatchObject({ tenant: { name: "a" } });
    const jwt = await token({ ...ofA, key: foreign.privateKey });
    await expect(authenticate(jwt, WAIT_MS)).rejects.toMatchObject(REFUSED);
  });

  describe("of an issuer with several tenants", () => {
    const trust = (name: string, value: string | number, audience: string) =>
      trustOf({ claim: { name: "org", value }, audience: [audience], tenant: tenantOf({ name }) });
    const { authenticate } = authenticatorFor({
      tenants: [trust("a", "a", "for-a"), trust("b", "b", "for-b"), trust("seven", 7, "for-7")],
    });

    it.each([
      ["a", { org: "a", aud: "for-a" }],
      ["b", { org: "b", aud: ["x", "for-b"] }],
      ["b", { org: "b", aud: ["for-a", "for-b"] }],
      ["seven", { org: 7, aud: "for-7" }],
    ])("goes to %s with %j", async (name, claims) => {
      expect(await authenticate(await token({ claims }))).toMatchObject({ tenant: { name } });
    });

    it.each<Record<string, unknown>>([
      {},
      { org: undefined },
      { org: null },
      { org: "" },
      { org: "A" },
      { org: "a " },
      { org: "c" },
      { org: ["a"] },
      { org: ["a", "b"] },
      { org: { value: "a" } },
      { org: "7" },
      { org: 7.5 },
      { org: true },
      { Org: "a" },
      { tenant: "a" },
    ])("belongs to nobody with %j", async (claims) => {
      await expect(
        authenticate(await token({ claims: { aud: "for-a", ...claims } })),
      ).rejects.toMatchObject({ code: "forbidden", reason: "no_tenant" });
    });

    it("is refused where it was made for another of them", async () => {
      await expect(
        authenticate(await token({ claims: { org: "a", aud: "for-b" } })),
      ).rejects.toMatchObject({ ...REFUSED, reason: "claim_aud" });
    });

    it.each([{ aud: "elsewhere" }, { aud: undefined }])(
      "is refused, not sent away, with %j and no claim",
      async (claims) => {
        await expect(authenticate(await token({ claims }))).rejects.toMatchObject(REFUSED);
      },
    );

    it("is refused, not sent away, where it is forged", async () => {
      const jwt = await token({ claims: { org: "c" }, key: foreign.privateKey });
      await expect(authenticate(jwt)).rejects.toMatchObject(REFUSED);
    });
  });

  it("cannot be checked where the issuer's keys are out of reach", async () => {
    const failure = new AppError("auth_unavailable", "no keys");
    const findKeys: FindKeys = () => Promise.reject(failure);
    expect(await refusalOf(await token(), { findKeys })).toBe(failure);
  });
});

describe("a forged token is refused", () => {
  const publicPem = exportSPKI(rsa.publicKey);

  it.each<[string, () => Promise<string> | string, Setup?]>([
    ["nothing", () => ""],
    ["no token at all", () => "hello"],
    ["two dots", () => ".."],
    ["one part too few", async () => (await token()).split(".").slice(0, 2).join(".")],
    ["one part too many", async () => `${await token()}.x`],
    ["no JSON", () => [encode("x"), encode("y"), "z"].join(".")],
    ["a payload that is a list", () => signed({ alg: "RS256" }, [goodClaims()])],
    ["a payload that is text", () => signed({ alg: "RS256" }, '"u-1"')],
    ["alg none", () => forged({ header: { alg: "none" }, signature: "" })],
    ["alg None", () => forged({ header: { alg: "None" }, signature: "" })],
    ["alg NONE", () => forged({ header: { alg: "NONE" }, signature: "" })],
    ["alg nOnE with a signature", () => forged({ header: { alg: "nOnE" } })],
    ["no alg", () => signed({ kid: "rsa-1" })],
    ["alg that is no text", () => signed({ alg: 1 })],
    ["alg in small letters", () => signed({ alg: "rs256" })],
    [
      "HS256 with the public key",
      async () => token({ header: { alg: "HS256" }, key: Buffer.from(await publicPem) }),
    ],
    [
      "HS256 with the published modulus",
      () => token({ header: { alg: "HS256" }, key: Buffer.from(rsaJwk.n ?? "") }),
    ],
    ["an HS256 header over an RS256 signature", () => forged({ header: { alg: "HS256" } })],
    ["a changed payload", () => forged({ payload: { ...goodClaims(), sub: "u-2" } })],
    ["a changed header", () => forged({ header: { alg: "RS256", kid: "rsa-1", typ: "x" } })],
    ["no signature", () => forged({ signature: "" })],
    ["half a signature", async () => (await token()).slice(0, -100)],
    ["a foreign key", () => token({ key: foreign.privateKey })],
    [
      "PS256 under RS256",
      async () => {
        const pkcs8 = await crypto.subtle.exportKey("pkcs8", rsa.privateKey);
        const algorithm = { name: "RSA-PSS", hash: "SHA-256" };
        const key = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
        return token({ header: { alg: "PS256" }, key });
      },
    ],
    [
      "an ES256 signature of zeros",
      () => forged({ header: { alg: "ES256" }, signature: Buffer.alloc(64).toString("base64url") }),
      { algorithms: ["ES256"], published: [ecJwk] },
    ],
    ["an encrypted token", () => encrypted()],
    ["a key that is for encryption", () => token(), { published: [{ ...rsaJwk, use: "enc" }] }],
    [
      "a key that may not verify",
      () => token(),
      { published: [{ ...rsaJwk, key_ops: ["encrypt"] }] },
    ],
    ["a key for another algorithm", () => token(), { published: [{ ...rsaJwk, alg: "RS512" }] }],
    ["a crit that nobody knows", () => signed({ alg: "RS256", crit: ["x"], x: 1 })],
    ["a crit that is empty", () => signed({ alg: "RS256", crit: [] })],
    ["a payload that is not encoded", () => signed({ alg: "RS256", crit: ["b64"], b64: false })],
    ["an unknown kid", () => token({ header: { kid: "other" } })],
    ["a kid that is a path", () => token({ header: { kid: "../../etc/passwd" } })],
    ["a kid that is a URL", () => token({ header: { kid: "https://evil.example/keys" } })],
    ["a kid of 8 kB", () => token({ header: { kid: "x".repeat(8192) } })],
    ["a kid that is a name of JavaScript", () => token({ header: { kid: "__proto__" } })],
    [
      "no kid where there are two keys, both of others",
      () => token({ header: { kid: undefined }, key: foreign.privateKey }),
      { published: [rsaJwk, { ...rsaJwk, kid: "rsa-2" }] },
    ],
    [
      "a key that it brings along",
      async () => {
        const jwk = await exportJWK(foreign.publicKey);
        return token({ header: { kid: undefined, jwk }, key: foreign.privateKey });
      },
    ],
  ])("%s", async (_what, forge, setup) => {
    expect(await refusalOf(await forge(), setup)).toMatchObject(REFUSED);
  });

  it("with a certificate or a key set by URL, and nothing is fetched", async () => {
    let visits = 0;
    const server = createServer((_req, res) => {
      visits += 1;
      res.end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    try {
      for (const name of ["jku", "x5u"]) {
        const jwt = await token({
          header: { kid: undefined, [name]: url },
          key: foreign.privateKey,
        });
        expect(await refusalOf(jwt)).toMatchObject(REFUSED);
      }
      expect(visits).toBe(0);
    } finally {
      server.close();
    }
  });

  it.each([
    ["an unknown kid", { header: { kid: "other" } }, 1],
    ["an unknown kid in an expired token", { header: { kid: "other" }, claims: { exp: 1 } }, 0],
    ["an unknown kid, for others", { header: { kid: "other" }, claims: { aud: "others" } }, 0],
    ["a foreign key under a known kid", { key: foreign.privateKey }, 0],
    ["an expired token", { claims: { exp: 1 } }, 0],
    ["another algorithm", { header: { alg: "HS256" }, key: Buffer.from("x".repeat(32)) }, 0],
  ])("%s asks the issuer for its keys again: %i", async (_what, options, count) => {
    const { authenticate, loads } = authenticatorFor();
    await expect(authenticate(await token(options))).rejects.toMatchObject(REFUSED);
    expect(loads.count).toBe(count);
  });

  it("of an unknown issuer asks nobody for keys", async () => {
    const findKeys: FindKeys = () => Promise.reject(new Error("asked"));
    const jwt = await token({ claims: { iss: "https://evil.example" } });
    expect(await refusalOf(jwt, { findKeys })).toMatchObject({
      ...REFUSED,
      reason: "unknown_issuer",
    });
  });

  async function encrypted(): Promise<string> {
    const algorithm = { name: "RSA-OAEP", hash: "SHA-256" };
    const key = await crypto.subtle.importKey(
      "jwk",
      { ...rsaJwk, key_ops: ["encrypt"] },
      algorithm,
      false,
      ["encrypt"],
    );
    return new CompactEncrypt(Buffer.from(JSON.stringify(goodClaims())))
      .setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM" })
      .encrypt(key);
  }
});

describe("the claims of a token", () => {
  const HOUR = 3600;

  it.each<[string, string, (now: number) => Record<string, unknown>]>([
    ["no exp", "claim_exp", () => ({ exp: undefined })],
    ["exp as text", "claim_exp", (now) => ({ exp: String(now + 300) })],
    ["exp null", "claim_exp", () => ({ exp: null })],
    ["exp 90 s ago", "claim_exp", (now) => ({ iat: now - 300, exp: now - 90 })],
    ["exp 90 s ago and no iat", "claim_exp", (now) => ({ iat: undefined, exp: now - 90 })],
    ["exp before iat", "claim_exp", (now) => ({ iat: now, exp: now - 1 })],
    ["exp zero", "claim_exp", () => ({ exp: 0 })],
    ["exp in a thousand years", "lifetime", (now) => ({ exp: now + 1000 * 365 * 24 * HOUR })],
    ["exp too large for a clock", "lifetime", () => ({ exp: 1e300 })],
    ["iat null", "claim_iat", () => ({ iat: null })],
    ["iat as text", "claim_iat", (now) => ({ iat: String(now) })],
    ["iat 90 s ahead", "claim_iat", (now) => ({ iat: now + 90 })],
    ["iat two days ago", "lifetime", (now) => ({ iat: now - 48 * HOUR })],
    ["iat below zero", "lifetime", () => ({ iat: -1 })],
    ["nbf 90 s ahead", "claim_nbf", (now) => ({ nbf: now + 90 })],
    ["nbf as text", "claim_nbf", (now) => ({ nbf: String(now) })],
    ["nbf null", "claim_nbf", () => ({ nbf: null })],
    ["a life of more than 24 h", "lifetime", (now) => ({ iat: now, exp: now + 24 * HOUR + 1 })],
    ["25 h left and no iat", "lifetime", (now) => ({ iat: undefined, exp: now + 25 * HOUR })],
    ["no aud", "claim_aud", () => ({ aud: undefined })],
    ["aud null", "claim_aud", () => ({ aud: null })],
    ["another aud", "claim_aud", () => ({ aud: "other-service" })],
    ["aud in another spelling", "claim_aud", () => ({ aud: "MX-Session" })],
    ["aud with more in it", "claim_aud", () => ({ aud: `${AUDIENCE} other` })],
    ["other aud only", "claim_aud", () => ({ aud: ["a", "b"] })],
    ["an empty aud", "claim_aud", () => ({ aud: [] })],
    ["aud as an object", "claim_aud", () => ({ aud: { [AUDIENCE]: true } })],
    ["no iss", "claim_iss", () => ({ iss: undefined })],
    ["an empty iss", "claim_iss", () => ({ iss: "" })],
    ["another iss", "unknown_issuer", () => ({ iss: "https://evil.example" })],
    ["iss with a slash more", "unknown_issuer", () => ({ iss: `${ISSUER}/` })],
    ["iss in capitals", "unknown_issuer", () => ({ iss: ISSUER.toUpperCase() })],
    ["iss as a list", "claim_iss", () => ({ iss: [ISSUER] })],
    ["iss as an object", "claim_iss", () => ({ iss: {} })],
    ["no sub", "claim_sub", () => ({ sub: undefined })],
    ["an empty sub", "claim_sub", () => ({ sub: "" })],
    ["sub as a number", "claim_sub", () => ({ sub: 7 })],
    ["sub as an object", "claim_sub", () => ({ sub: { id: "u-1" } })],
    ["sub as a list", "claim_sub", () => ({ sub: ["u-1"] })],
    ["sub null", "claim_sub", () => ({ sub: null })],
  ])("with %s are refused as %s", async (_what, reason, claims) => {
    expect(await refusalOf(await token({ claims: claims(seconds()) }))).toMatchObject({
      ...REFUSED,
      reason,
    });
  });

  it.each<[string, (now: number) => Record<string, unknown>]>([
    ["exp 5 s ago", (now) => ({ iat: now - 300, exp: now - 5 })],
    ["iat 5 s ahead", (now) => ({ iat: now + 5 })],
    ["nbf 5 s ahead", (now) => ({ nbf: now + 5 })],
    ["a life of 24 h", (now) => ({ iat: now, exp: now + 24 * HOUR })],
    ["no nbf", () => ({ nbf: undefined })],
    ["no iat", () => ({ iat: undefined })],
    ["no iat and 24 h left", (now) => ({ iat: undefined, exp: now + 24 * HOUR })],
    ["an odd sub, which is for the user id rule to judge", () => ({ sub: "../../x" })],
  ])("with %s are accepted", async (_what, claims) => {
    const { authenticate } = authenticatorFor();
    expect(await authenticate(await token({ claims: claims(seconds()) }))).toMatchObject({
      issuer: ISSUER,
    });
  });

  it.each<[string, number, Record<string, number | undefined>, boolean]>([
    ["an hour", HOUR, { exp: HOUR }, true],
    ["an hour and a second", HOUR, { exp: HOUR + 1 }, false],
    ["two hours, half of them over", HOUR, { iat: -HOUR, exp: HOUR }, false],
    ["90 days", 90 * 24 * HOUR, { exp: 90 * 24 * HOUR }, true],
    ["91 days", 90 * 24 * HOUR, { exp: 91 * 24 * HOUR }, false],
  ])("may say %s where %i seconds are allowed: %j, %s", async (_what, limit, times, isAccepted) => {
    const now = seconds();
    const claims = Object.fromEntries(
      Object.entries({ iat: 0, ...times }).map(([name, at]) => [name, now + (at ?? 0)]),
    );
    const setup = { rule: { maxLifetimeMs: limit * 1000 } };
    const jwt = await token({ claims });
    if (isAccepted)
      expect(await authenticatorFor(setup).authenticate(jwt)).toMatchObject({ subject: "u-1" });
    else expect(await refusalOf(jwt, setup)).toMatchObject({ ...REFUSED, reason: "lifetime" });
  });

  it.each<[string, Record<string, unknown>, boolean]>([
    ["client_id", { aud: undefined, client_id: AUDIENCE }, true],
    ["client_id", { aud: undefined, client_id: ["other", AUDIENCE] }, true],
    ["client_id", { aud: "another-resource", client_id: AUDIENCE }, true],
    ["client_id", { aud: undefined, client_id: "other" }, false],
    ["client_id", { aud: AUDIENCE, client_id: undefined }, false],
    ["azp", { aud: undefined, azp: AUDIENCE }, true],
    ["azp", { aud: AUDIENCE, azp: "https://evil.example" }, false],
    ["https://bank.example/aud", { aud: undefined, "https://bank.example/aud": AUDIENCE }, true],
    ["__proto__", { aud: AUDIENCE }, false],
    ["constructor", { aud: AUDIENCE }, false],
  ])(
    "name the audience in %s where the operator says so: %j, %s",
    async (audienceClaim, claims, isAccepted) => {
      const setup = { rule: { audienceClaim } };
      const jwt = await token({ claims });
      if (isAccepted)
        expect(await authenticatorFor(setup).authenticate(jwt)).toMatchObject({ subject: "u-1" });
      else expect(await refusalOf(jwt, setup)).toMatchObject({ ...REFUSED, reason: "claim_aud" });
    },
  );
});

describe("the type of a token", () => {
  it.each([
    ["at+jwt", "at+jwt", true],
    ["at+jwt", "application/at+jwt", true],
    ["at+jwt", "JWT", false],
    ["at+jwt", undefined, false],
    [undefined, "JWT", true],
    [undefined, undefined, true],
  ])("where %s is due: %s is accepted: %s", async (tokenType, typ, isAccepted) => {
    const jwt = await token({ header: { typ } });
    if (isAccepted) {
      const { authenticate } = authenticatorFor({ tokenType });
      expect(await authenticate(jwt)).toMatchObject({ subject: "u-1" });
    } else expect(await refusalOf(jwt, { tokenType })).toMatchObject(REFUSED);
  });
});

describe("a token that is no bearer token for a service", () => {
  const LOGOUT = { "http://schemas.openid.net/event/backchannel-logout": {} };

  it.each<[string, string, TokenOptions]>([
    ["bound to a key", "bound_token", { claims: { cnf: { jkt: "thumbprint" } } }],
    ["bound to a certificate", "bound_token", { claims: { cnf: { "x5t#S256": "x" } } }],
    ["bound to a key by name", "bound_token", { claims: { cnf: { kid: "k" } } }],
    ["bound to something unsaid", "bound_token", { claims: { cnf: {} } }],
    ["bound, by a text", "bound_token", { claims: { cnf: "thumbprint" } }],
    ["bound, by Keycloak's type", "bound_token", { claims: { typ: "DPoP" } }],
    ["a logout token", "token_kind", { claims: { events: LOGOUT } }],
    ["a security event", "token_kind", { claims: { events: { "https://x.example": {} } } }],
    ["an introspection answer", "token_kind", { claims: { token_introspection: {} } }],
    ["Keycloak's refresh token", "token_kind", { claims: { typ: "Refresh" } }],
    ["Keycloak's offline token", "token_kind", { claims: { typ: "Offline" } }],
    ["Keycloak's logout token", "token_kind", { claims: { typ: "Logout" } }],
    ["Keycloak's login cookie", "token_kind", { claims: { typ: "Serialized-ID" } }],
    ...["InitialAccess", "initial-access", "RegistrationAccessToken", "registration-access"].map(
      (typ): [string, string, TokenOptions] => [`typ ${typ}`, "token_kind", { claims: { typ } }],
    ),
    ["a refresh token by token_type", "token_kind", { claims: { token_type: "refresh" } }],
    ["a refresh token by its full type", "token_kind", { claims: { token_type: "refresh_token" } }],
    ["a refresh token by type", "token_kind", { claims: { type: "refresh" } }],
    ["a refresh token by token_use", "token_kind", { claims: { token_use: "REFRESH" } }],
    ["a refresh token by use", "token_kind", { claims: { use: "refresh" } }],
    ["a refresh token by tokenType", "token_kind", { claims: { tokenType: "refreshToken" } }],
    ...[
      { token_type: "urn:ietf:params:oauth:token-type:refresh_token" },
      { token_use: ["Refresh"] },
      { typ: [["access"], ["refresh"]] },
      { typ: " Refresh\t" },
      { typ: "refresh+jwt" },
      { typ: "application/refresh+jwt; v=1" },
      { token_use: "RT" },
      { token_kind: "refresh" },
      { kind: "refresh_token" },
      { "token-type": "Refresh" },
    ].map((claims): [string, string, TokenOptions] => [
      `a refresh token by ${JSON.stringify(claims)}`,
      "token_kind",
      { claims },
    ]),
    ["bound, by its header", "bound_token", { header: { typ: "DPoP" } }],
    ["bound, by a list of types", "bound_token", { claims: { token_type: ["DPoP"] } }],
    ...[
      "logout+jwt",
      "LOGOUT+JWT",
      "application/logout+jwt",
      "secevent+jwt",
      "dpop+jwt",
      "token-introspection+jwt",
      "oauth-authz-req+jwt",
      "client-authentication+jwt",
      "kb+jwt",
      "dc+sd-jwt",
      "entity-statement+jwt",
      "refresh",
      "Refresh Token",
      " refresh",
      "",
      "RT",
      "urn:ietf:params:oauth:token-type:refresh_token",
      ["refresh"],
      null,
    ].map((typ): [string, string, TokenOptions] => [
      `${typ} by header`,
      "token_kind",
      { header: { typ } },
    ]),
  ])("is refused: %s", async (_what, reason, options) => {
    expect(await refusalOf(await token(options))).toMatchObject({ ...REFUSED, reason });
  });

  it.each<[string, TokenOptions]>([
    ["typ JWT", { header: { typ: "JWT" } }],
    ["typ jwt", { header: { typ: "jwt" } }],
    ["typ at+jwt", { header: { typ: "at+jwt" } }],
    ["typ application/at+jwt", { header: { typ: "application/AT+JWT" } }],
    ["Keycloak's type", { claims: { typ: "Bearer" } }],
    ["Cognito's use", { claims: { token_use: "access" } }],
    [
      "an ID token, which some providers have nothing beside",
      { claims: { typ: "ID", nonce: "n" } },
    ],
    ["type access", { claims: { type: "access", token_type: "access" } }],
    ["types that say something else", { claims: { type: ["person"], kind: {}, use: 7 } }],
    ["null for what it is not", { claims: { cnf: null, events: null } }],
    ...["popular", "tip-pop", "macro", "emac", "offline_access", "re-refresh", "refreshed"].map(
      (use): [string, TokenOptions] => [`use ${use}`, { claims: { use } }],
    ),
  ])("is another one than with %s", async (_what, options) => {
    const { authenticate } = authenticatorFor();
    expect(await authenticate(await token(options))).toMatchObject({ subject: "u-1" });
  });

  it("may have a type of its own where the operator names it", async () => {
    const { authenticate } = authenticatorFor({ tokenType: "bank-at+jwt" });
    const jwt = await token({ header: { typ: "bank-at+jwt" } });
    expect(await authenticate(jwt)).toMatchObject({ subject: "u-1" });
    const logout = await token({ header: { typ: "bank-at+jwt" }, claims: { events: LOGOUT } });
    await expect(authenticate(logout)).rejects.toMatchObject({ reason: "token_kind" });
  });
});

describe("the reason for the log", () => {
  it.each<[string, string, () => Promise<string> | string]>([
    ["malformed", "no token at all", () => "hello"],
    [
      "malformed",
      "a payload that is not encoded",
      () => signed({ alg: "RS256", crit: ["b64"], b64: false }),
    ],
    ["algorithm", "another algorithm", () => forged({ header: { alg: "HS256" } })],
    ["unknown_key", "an unknown kid", () => token({ header: { kid: "other" } })],
    ["signature", "a foreign key", () => token({ key: foreign.privateKey })],
    ["unverifiable", "a crit that nobody knows", () => signed({ alg: "RS256", crit: ["x"], x: 1 })],
    ["claim_sub", "no subject", () => token({ claims: { sub: undefined } })],
    ["claim_exp", "the end that was never named", () => token({ claims: { exp: undefined } })],
    [
      "claim_exp",
      "an end before its beginning",
      () => token({ claims: { iat: seconds(), exp: seconds() } }),
    ],
  ])("is %s for %s", async (reason, _what, forge) => {
    expect(await refusalOf(await forge())).toMatchObject({ ...REFUSED, reason });
  });

  it("is a word of a closed set, with nothing of the token", async () => {
    const canary = "canary";
    const jwts = await Promise.all([
      token({ claims: { sub: [canary] } }),
      token({ claims: { aud: canary } }),
      token({ claims: { iss: canary } }),
      token({ claims: { nbf: canary } }),
      token({ header: { kid: canary } }),
      token({ header: { typ: canary }, claims: { exp: 1, canary } }),
      forged({ payload: canary }),
      forged({ header: { alg: canary } }),
      canary,
    ]);
    for (const jwt of jwts) {
      const { reason, message, cause } = await refusalOf(jwt);
      expect(reason).toMatch(/^[a-z_]{1,40}$/);
      expect(reason + message + String(cause)).not.toContain(canary);
    }
  });
});

describe("the Authorization header", () => {
  const { authenticate: judge } = createAuthentication({
    jwt: authenticatorFor().authenticate,
    introspection: undefined,
    tokenCookie: undefined,
    session: undefined,
  });
  const authenticate = (authorization: string | undefined) =>
    judge({ authorization }, frozenBudget());

  it.each(["Bearer", "bearer", "BEARER", "Bearer  "])("takes the scheme %j", async (scheme) => {
    expect(await authenticate(`${scheme} ${await token()}`)).toMatchObject({ subject: "u-1" });
  });

  it.each<[string, (jwt: string) => string | undefined]>([
    ["missing", () => undefined],
    ["empty", () => ""],
    ["a scheme alone", () => "Bearer"],
    ["a scheme and a space", () => "Bearer "],
    ["a token alone", (jwt) => jwt],
    ["another scheme", (jwt) => `Basic ${jwt}`],
    ["another scheme that ends alike", (jwt) => `XBearer ${jwt}`],
    ["no space", (jwt) => `Bearer${jwt}`],
    ["two tokens", (jwt) => `Bearer ${jwt} ${jwt}`],
    ["two headers in one", (jwt) => `Bearer ${jwt}, Bearer ${jwt}`],
    ["a quoted token", (jwt) => `Bearer "${jwt}"`],
    ["a TAB", (jwt) => `Bearer\t${jwt}`],
    ["an opaque token", () => "Bearer 8f3a2c"],
    ["five parts", (jwt) => `Bearer ${jwt}.a.b`],
  ])("that is %s is refused", async (_what, header) => {
    await expect(authenticate(header(await token()))).rejects.toMatchObject(REFUSED);
  });
});
