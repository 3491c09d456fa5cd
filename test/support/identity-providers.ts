/**
 * The discovery documents, key sets and tokens of identity providers that people use, rebuilt from their public
 * documentation, with keys of the test's own. The settings for each stand in docs/identity-providers.md.
 *
 * Sources: the token references of Auth0, Okta, Microsoft Entra ID and Azure AD B2C, Amazon Cognito, Keycloak, Firebase, Clerk
 * and Supabase.
 */

import { createHash, randomUUID } from "node:crypto";
import type { SigningKey } from "../../packages/simulator/src/signing-key.ts";
import type { Environment } from "../../src/config/variables.ts";

/** How a provider of JWTs shows itself. `now` is in seconds since the epoch. */
export type TokenProvider = {
  algorithm: "RS256" | "ES256";
  header: (key: SigningKey) => Record<string, unknown>;
  claims: (settings: Environment, now: number) => Record<string, unknown>;
  /** Where tokens say for whom they are. */
  audienceClaim: string;
  /** What it publishes, by URL. */
  documents: (settings: Environment, key: SigningKey) => Record<string, unknown>;
  /** The MX user id that follows, where the claim is taken as it is. */
  userId?: string;
};

const SUBJECT = "b1f0c6de-2f4a-4d0e-9b57-6a3c8e1d5f72";
const TENANT = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

const rs256 = ({ id }: SigningKey) => ({ alg: "RS256", typ: "JWT", kid: id });

/** Discovery below the issuer, and a key set elsewhere. */
const discovered =
  (jwksUrl: (issuer: string) => string, toJwk = (key: SigningKey): object => key.publicJwk) =>
  ({ AUTH_ISSUER: issuer = "" }: Environment, key: SigningKey) => ({
    [`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`]: {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      jwks_uri: jwksUrl(issuer),
      id_token_signing_alg_values_supported: ["RS256"],
    },
    [jwksUrl(issuer)]: { keys: [toJwk(key)] },
  });

/** Microsoft leaves `alg` out, and adds a certificate and the issuer. */
function toMicrosoftJwk({ id, publicJwk: { n, e } }: SigningKey): object {
  const x5t = createHash("sha1").update(id).digest("base64url");
  return { kty: "RSA", use: "sig", kid: id, x5t, n, e, x5c: ["MIIC/TCCAeWgAwIBAgIIExample"] };
}

const microsoftHeader = (key: SigningKey) => ({ ...rs256(key), x5t: key.id.slice(0, 27) });

export const TOKEN_PROVIDERS: Readonly<Record<string, TokenProvider>> = {
  Auth0: {
    algorithm: "RS256",
    header: rs256,
    audienceClaim: "aud",
    claims: ({ AUTH_ISSUER: iss, AUTH_AUDIENCE: audience }, now) => ({
      iss,
      sub: "auth0|65f0c6de2f4a4d0e9b576a3c",
      aud: [audience, `${iss}userinfo`],
      iat: now,
      exp: now + 86_400,
      scope: "openid profile email",
      azp: "X5exampleClientId",
    }),
    documents: discovered((issuer) => `${issuer}.well-known/jwks.json`),
  },
  Okta: {
    algorithm: "RS256",
    header: ({ id }) => ({ kid: id, alg: "RS256" }),
    audienceClaim: "aud",
    claims: ({ AUTH_ISSUER: iss, AUTH_AUDIENCE: aud }, now) => ({
      ver: 1,
      iss,
      aud,
      iat: now,
      exp: now + 3600,
      cid: "0oa1example2client3",
      uid: "00u1example2user3",
      scp: ["openid", "profile"],
      auth_time: now,
      sub: "ada@example.com",
    }),
    documents: discovered((issuer) => `${issuer}/v1/keys`),
    userId: "00u1example2user3",
  },
  "Microsoft Entra ID": {
    algorithm: "RS256",
    header: microsoftHeader,
    audienceClaim: "aud",
    claims: ({ AUTH_ISSUER: iss, AUTH_AUDIENCE: aud }, now) => ({
      aud,
      iss,
      iat: now,
      nbf: now,
      exp: now + 4500,
      azp: "9b5f1c3e-7d2a-4e68-a0c4-1f8b6d3e5a97",
      groups: Array.from({ length: 200 }, () => randomUUID()),
      oid: SUBJECT,
      scp: "Widgets.Open",
      sub: "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
      tid: TENANT.exec(iss ?? "")?.[0],
      ver: "2.0",
    }),
    documents: discovered(
      () => "https://login.microsoftonline.com/common/discovery/v2.0/keys",
      toMicrosoftJwk,
    ),
    userId: SUBJECT,
  },
  "Microsoft Entra External ID": {
    algorithm: "RS256",
    header: microsoftHeader,
    audienceClaim: "aud",
    claims: ({ AUTH_ISSUER: iss, AUTH_AUDIENCE: aud }, now) => ({
      aud,
      iss,
      iat: now,
      nbf: now,
      exp: now + 4500,
      azp: "9b5f1c3e-7d2a-4e68-a0c4-1f8b6d3e5a97",
      oid: SUBJECT,
      scp: "Widgets.Open",
      sub: "dyZ4exampleSubject",
      tid: TENANT.exec(iss ?? "")?.[0],
      ver: "2.0",
    }),
    documents: discovered(
      (issuer) => issuer.replace(/\/v2\.0$/, "/discovery/v2.0/keys"),
      toMicrosoftJwk,
    ),
    userId: SUBJECT,
  },
  "Azure AD B2C": {
    algorithm: "RS256",
    header: ({ id }) => ({ alg: "RS256", kid: id, typ: "JWT" }),
    audienceClaim: "aud",
    claims: ({ AUTH_ISSUER: iss, AUTH_AUDIENCE: aud }, now) => ({
      iss,
      exp: now + 3600,
      nbf: now,
      aud,
      sub: SUBJECT,
      oid: SUBJECT,
      tfp: "B2C_1_signin",
      scp: "widgets.open",
      azp: "9b5f1c3e-7d2a-4e68-a0c4-1f8b6d3e5a97",
      ver: "1.0",
      iat: now,
    }),
    documents: ({ AUTH_JWKS_URL: url = "" }, { id, publicJwk: { n, e } }) => ({
      [url]: { keys: [{ kid: id, nbf: 1_493_763_266, use: "sig", kty: "RSA", e, n }] },
    }),
    userId: SUBJECT,
  },
  "Amazon Cognito": {
    algorithm: "RS256",
    header: ({ id }) => ({ kid: id, alg: "RS256" }),
    audienceClaim: "client_id",
    claims: ({ AUTH_ISSUER: iss, AUTH_AUDIENCE: client }, now) => ({
      sub: SUBJECT,
      "cognito:groups": ["customers"],
      iss,
      client_id: client,
      event_id: randomUUID(),
      token_use: "access",
      scope: "aws.cognito.signin.user.admin",
      auth_time: now,
      exp: now + 3600,
      iat: now,
      jti: randomUUID(),
      username: "ada",
    }),
    documents: discovered((issuer) => `${issuer}/.well-known/jwks.json`),
    userId: SUBJECT,
  },
  Keycloak: {
    algorithm: "RS256",
    header: rs256,
    audienceClaim: "aud",
    claims: ({ AUTH_ISSUER: iss, AUTH_AUDIENCE: audience }, now) => ({
      exp: now + 300,
      iat: now,
      auth_time: now,
      jti: `onrtac:${randomUUID()}`,
      iss,
      aud: [audience, "account"],
      sub: SUBJECT,
      typ: "Bearer",
      azp: "bank-app",
      sid: randomUUID(),
      acr: "1",
      realm_access: { roles: ["offline_access", "uma_authorization"] },
      preferred_username: "ada",
    }),
    documents: (settings, key) => {
      const documents = discovered((issuer) => `${issuer}/protocol/openid-connect/certs`)(
        settings,
        key,
      );
      const [url] = Object.keys(documents).filter((each) => each.endsWith("/certs"));
      const encryption = { ...key.publicJwk, kid: "enc-1", use: "enc", alg: "RSA-OAEP" };
      return { ...documents, [url ?? ""]: { keys: [encryption, key.publicJwk] } };
    },
    userId: SUBJECT,
  },
  "Firebase Authentication": {
    algorithm: "RS256",
    header: rs256,
    audienceClaim: "aud",
    claims: ({ AUTH_ISSUER: iss, AUTH_AUDIENCE: aud }, now) => ({
      iss,
      aud,
      auth_time: now - 600,
      user_id: "p6exampleFirebaseUid1234567",
      sub: "p6exampleFirebaseUid1234567",
      iat: now,
      exp: now + 3600,
      email: "ada@example.com",
      email_verified: true,
      firebase: { identities: { email: ["ada@example.com"] }, sign_in_provider: "password" },
    }),
    documents: discovered(
      () =>
        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
    ),
    userId: "p6exampleFirebaseUid1234567",
  },
  Clerk: {
    algorithm: "RS256",
    header: (key) => ({ ...rs256(key), cat: "cl_B7d4PD111AAA" }),
    audienceClaim: "azp",
    claims: ({ AUTH_ISSUER: iss, AUTH_AUDIENCE: azp }, now) => ({
      azp,
      exp: now + 60,
      fva: [7, -1],
      iat: now,
      iss,
      jti: "4b3fexample",
      nbf: now - 10,
      sid: "sess_2exampleSession",
      sts: "active",
      sub: "user_2exampleUser",
      v: 2,
    }),
    documents: discovered((issuer) => `${issuer}/.well-known/jwks.json`),
    userId: "user_2exampleUser",
  },
  Supabase: {
    algorithm: "ES256",
    header: ({ id }) => ({ alg: "ES256", kid: id, typ: "JWT" }),
    audienceClaim: "aud",
    claims: ({ AUTH_ISSUER: iss, AUTH_AUDIENCE: aud }, now) => ({
      iss,
      sub: SUBJECT,
      aud,
      exp: now + 3600,
      iat: now,
      email: "ada@example.com",
      phone: "",
      app_metadata: { provider: "email", providers: ["email"] },
      user_metadata: { email_verified: true },
      role: "authenticated",
      aal: "aal1",
      amr: [{ method: "password", timestamp: now }],
      session_id: randomUUID(),
      is_anonymous: false,
    }),
    documents: ({ AUTH_JWKS_URL: url = "" }, { publicJwk }) => ({
      [url]: { keys: [{ ...publicJwk, ext: true, key_ops: ["verify"] }] },
    }),
    userId: SUBJECT,
  },
};
