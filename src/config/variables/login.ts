/** Variables about the partner's login and about user ids. */

import * as secrets from "../secret-values.ts";
import { upstream } from "../url-values.ts";
import * as v from "../values.ts";
import { clientCertificate, ofProcess, ofTenant } from "./row.ts";

export const ISSUER = ofTenant({
  AUTH_ISSUER: {
    schema: v.issuers,
    example: "https://login.example.com",
    description:
      "The `iss` of your users' tokens, exactly as it is. The service discovers the keys from `<issuer>/.well-known/openid-configuration` unless `AUTH_JWKS_URL` or `AUTH_JWKS_FILE` is set. If your login has several issuer names (a custom domain, Microsoft Entra ID v1 and v2), list them all. The first one identifies the users. Anyone who can issue tokens under one of the names can impersonate the users of all the others.",
  },
  AUTH_AUDIENCE: {
    schema: v.audiences,
    example: "mx-session-bff",
    description:
      "The `aud` of tokens for this service. If you list several, any of them is enough.",
  },
  AUTH_AUDIENCE_CLAIM: {
    schema: v.claimName,
    default: "aud",
    description:
      "The claim that must contain one of `AUTH_AUDIENCE`. It may be a string or a list. Access tokens of Amazon Cognito have `client_id` instead of `aud`, and session tokens of Clerk have `azp`.",
  },
  AUTH_JWKS_URL: {
    schema: upstream,
    description: "URL of the issuer's public keys. Replaces discovery.",
  },
  AUTH_JWKS_FILE: {
    schema: v.path,
    description:
      "File with the issuer's public keys as a JSON Web Key Set. Replaces discovery. A changed file is used within 30 seconds, without a restart.",
  },
  AUTH_ALGORITHMS: {
    schema: v.algorithms,
    default: "RS256,PS256,ES256,EdDSA",
    description: "Accepted signature algorithms. Only asymmetric ones are possible.",
  },
  AUTH_TOKEN_TYPE: {
    schema: v.tokenType,
    default: "any",
    description: "The `typ` that the header of a token must have, such as `at+jwt`.",
  },
  AUTH_MAX_TOKEN_LIFETIME: {
    schema: v.lifetime,
    default: "24h",
    description:
      "The longest lifetime of a JWT, from `iat` to `exp`. For a token without `iat`, the limit applies to the time from now to `exp`.",
  },
});

export const OTHER_CREDENTIALS = ofProcess({
  AUTH_JWT: {
    schema: v.flag,
    default: "true",
    description:
      "Whether JWTs are accepted. If `false`, no keys are loaded, `AUTH_ISSUER` may be any name, and introspection verifies every bearer token.",
  },
  AUTH_COOKIE: {
    schema: v.cookieName,
    description: "Name of a cookie that holds a JWT, such as `__Host-token`.",
  },
  AUTH_INTROSPECTION_URL: {
    schema: upstream,
    description:
      "For opaque bearer tokens: your authorization server's introspection endpoint (RFC 7662). The service caches positive answers for up to a minute, so a revoked token may still be accepted for that long.",
  },
  AUTH_INTROSPECTION_CLIENT_ID: {
    schema: v.clientName,
    description: "This service's client id at the introspection endpoint.",
  },
  AUTH_INTROSPECTION_CLIENT_SECRET: {
    schema: secrets.secret,
    secret: true,
    description: "This service's client secret at the introspection endpoint.",
  },
  AUTH_INTROSPECTION_AUTH: {
    schema: v.choice(["client_secret_basic", "client_secret_post"]),
    default: "client_secret_basic",
    description:
      "How the client id and secret are sent to the introspection endpoint: in the `Authorization` header, or in the body.",
  },
  AUTH_INTROSPECTION_REQUIRE_AUDIENCE: {
    schema: v.flag,
    default: "true",
    description:
      'Whether introspection answers must name an audience from `AUTH_AUDIENCE`. Set `false` only if your server itself answers "not active" to tokens that are not for this service.',
  },
  AUTH_SESSION_COOKIE: {
    schema: v.cookieName,
    description:
      "Name of your own session cookie. Its chunks (`name.0`, `name_0`, `nameC1`) are included. Needs `AUTH_SESSION_CHECK_URL`.",
  },
  AUTH_SESSION_CHECK_URL: {
    schema: upstream,
    description:
      "Your endpoint that says to which user a session cookie belongs. It receives a GET request with that cookie. If a user is logged in, it must answer 200 with JSON claims. The claim that `USER_ID_CLAIM` names must be among them, at the top level. If nobody is logged in, it must answer 401, or 200 with `{}`, `null` or `false`. A redirect to a login page is an error.",
  },
  ...clientCertificate(
    "AUTH_CLIENT",
    "the hosts of your login",
    " These are the hosts of introspection, session check, discovery, keys and userinfo. With `TENANTS_FILE`, the pair in the environment is for introspection and session check, and each tenant has its own pair for the other hosts.",
    "both",
  ),
});

export const USER_IDS = ofTenant({
  USER_ID_CLAIM: {
    schema: v.textUpTo(255),
    default: "sub",
    description:
      "The claim that identifies a user. Decide before the first user logs in. After a later change, every user becomes a new user at MX.",
  },
  USER_ID_MODE: {
    schema: v.choice(["claim", "hmac"]),
    default: "claim",
    description:
      "`claim`: the claim is the MX user id, and may have only letters, digits, `-` and `_`. `hmac`: the MX user id is `U-` and a keyed hash of issuer and claim. Use it for ids such as `auth0|123` or e-mail addresses.",
  },
  USER_ID_SECRET: {
    schema: secrets.strongSecret,
    secret: true,
    description:
      "With `hmac`: the key of the hash, at least 32 characters and used for nothing else. `openssl rand -base64 48` makes one. Never change it.",
  },
});
