/** Variables about the partner's login and about user ids. */

import * as secrets from "../secret-values.ts";
import { upstream } from "../url-values.ts";
import * as v from "../values.ts";

const ISSUER = {
  AUTH_ISSUER: {
    schema: v.issuers,
    scope: "tenant",
    example: "https://login.example.com",
    description:
      "The `iss` of your users' tokens, character by character. Its keys are discovered from `<issuer>/.well-known/openid-configuration` unless `AUTH_JWKS_URL` or `AUTH_JWKS_FILE` is set. A login with several names (a custom domain, Microsoft Entra ID v1 and v2) is a list: the first names the users, and each of them can name any user of the others.",
  },
  AUTH_AUDIENCE: {
    schema: v.audiences,
    scope: "tenant",
    example: "mx-session-bff",
    description:
      "The `aud` of tokens for this service. If you list several, any of them is enough.",
  },
  AUTH_AUDIENCE_CLAIM: {
    schema: v.claimName,
    scope: "tenant",
    default: "aud",
    description:
      "The claim that is compared with `AUTH_AUDIENCE`; a string or a list in the token. Access tokens of Amazon Cognito have `client_id` instead of `aud`, session tokens of Clerk `azp`.",
  },
  AUTH_JWKS_URL: {
    schema: upstream,
    scope: "tenant",
    description: "URL of the issuer's public keys, instead of discovery.",
  },
  AUTH_JWKS_FILE: {
    schema: v.path,
    scope: "tenant",
    description:
      "File with the issuer's public keys as a JSON Web Key Set, instead of discovery. The service reads it again every ten minutes.",
  },
  AUTH_ALGORITHMS: {
    schema: v.algorithms,
    scope: "tenant",
    default: "RS256,PS256,ES256,EdDSA",
    description: "Signature algorithms that are accepted. Only asymmetric ones can be listed.",
  },
  AUTH_TOKEN_TYPE: {
    schema: v.tokenType,
    scope: "tenant",
    default: "any",
    description: "The `typ` that the header of a token must have, such as `at+jwt`.",
  },
  AUTH_MAX_TOKEN_LIFETIME: {
    schema: v.lifetime,
    scope: "tenant",
    default: "24h",
    description:
      "How long a JWT may live, from `iat` to `exp`. For a token without `iat` it limits the time that is left, from now to `exp`: how long it has lived already, nobody can tell.",
  },
} as const satisfies Record<string, v.Variable>;

const OTHER_CREDENTIALS = {
  AUTH_JWT: {
    schema: v.flag,
    scope: "process",
    default: "true",
    description:
      "Whether JWTs are accepted. If `false`, no keys are loaded, `AUTH_ISSUER` may be any name, and introspection judges every bearer token.",
  },
  AUTH_COOKIE: {
    schema: v.cookieName,
    scope: "process",
    description: "Name of a cookie that holds a JWT, such as `__Host-token`.",
  },
  AUTH_INTROSPECTION_URL: {
    schema: upstream,
    scope: "process",
    description:
      "For opaque bearer tokens: your authorization server's introspection endpoint (RFC 7662). Good answers are cached for up to a minute, so a revoked token may still be accepted for that long.",
  },
  AUTH_INTROSPECTION_CLIENT_ID: {
    schema: v.clientName,
    scope: "process",
    description: "This service's client id at the introspection endpoint.",
  },
  AUTH_INTROSPECTION_CLIENT_SECRET: {
    schema: secrets.secret,
    scope: "process",
    secret: true,
    description: "This service's client secret at the introspection endpoint.",
  },
  AUTH_INTROSPECTION_AUTH: {
    schema: v.choice(["client_secret_basic", "client_secret_post"]),
    scope: "process",
    default: "client_secret_basic",
    description:
      "How the client id and secret are sent to the introspection endpoint: in the `Authorization` header, or in the body.",
  },
  AUTH_INTROSPECTION_REQUIRE_AUDIENCE: {
    schema: v.flag,
    scope: "process",
    default: "true",
    description:
      'Whether introspection answers must name an audience from `AUTH_AUDIENCE`. Set `false` only if your server itself answers "not active" to tokens that are not for this service.',
  },
  AUTH_SESSION_COOKIE: {
    schema: v.cookieName,
    scope: "process",
    description:
      "Name of your own session cookie. Its chunks (`name.0`, `name_0`, `nameC1`) belong to it. Needs `AUTH_SESSION_CHECK_URL`.",
  },
  AUTH_SESSION_CHECK_URL: {
    schema: upstream,
    scope: "process",
    description:
      "Your endpoint that says whose session a cookie is. It receives a GET with that cookie, and answers 200 with JSON claims that include the `USER_ID_CLAIM` at the top level, or 401 if nobody is logged in (200 with `{}`, `null` or `false` means the same). A redirect to a login page is not an answer.",
  },
} as const satisfies Record<string, v.Variable>;

const USER_IDS = {
  USER_ID_CLAIM: {
    schema: v.shortText,
    scope: "tenant",
    default: "sub",
    description:
      "The claim that identifies a user, for ever. Decide before the first user logs in: another rule creates new MX users.",
  },
  USER_ID_MODE: {
    schema: v.choice(["claim", "hmac"]),
    scope: "tenant",
    default: "claim",
    description:
      "`claim`: the claim is the MX user id; it may have letters, digits, `-` and `_` only. `hmac`: the MX user id is `U-` and a keyed hash of issuer and claim; for `auth0|123`, e-mail addresses and the like.",
  },
  USER_ID_SECRET: {
    schema: secrets.strongSecret,
    scope: "tenant",
    secret: true,
    description:
      "Key of that hash, at least 32 characters and used for nothing else; for example from `openssl rand -base64 48`. Never change it.",
  },
} as const satisfies Record<string, v.Variable>;

export const LOGIN_VARIABLES = { ...ISSUER, ...OTHER_CREDENTIALS, ...USER_IDS };

export const LOGIN_SECTIONS: readonly v.Section[] = [
  { title: "Who may call: the tokens of your own login", variables: ISSUER },
  {
    title: "Other credentials of a login",
    introduction:
      "Besides JWTs in the `Authorization` header. The credential that comes with a request decides alone: a bearer token, else the cookie with a token, else the session cookie. All of them belong to `AUTH_ISSUER`, so the same user must have the same `USER_ID_CLAIM` in each. With `TENANTS_FILE` they stand here, once, and `iss` and the tenant's claim in the answer say which tenant it is. Callers known by a cookie also send the header `X-CSRF: 1`, from a page on the service's own origin or one of `CORS_ORIGINS`.",
    variables: OTHER_CREDENTIALS,
  },
  { title: "Who users are at MX", variables: USER_IDS },
];
