/**
 * A small OpenID provider with discovery, a JWKS, userinfo and a demo login, for tests and the demo.
 *
 * Source: OpenID Connect Discovery 1.0; RFC 7517 (JWKS); RFC 6749, section 5 (token answers).
 */

import express, { type RequestHandler, type Response, Router } from "express";
import { DEMO_USERS, type DemoUsers } from "./demo-users.ts";
import { startListener } from "./listener.ts";
import { createKeyRing, type KeyRing, type SigningAlgorithm } from "./signing-key.ts";
import {
  createTokens,
  profileOf,
  TOKEN_LIFETIME_SECONDS,
  type TokenOptions,
  type TokenOverrides,
  type Tokens,
} from "./tokens.ts";

export type IdentityProviderOptions = TokenOptions & {
  /** Default: 127.0.0.1. */
  host?: string | undefined;
  /** Default: any free port. */
  port?: number | undefined;
  /** What it calls itself, such as the origin of a TLS proxy in front. Default: where it listens. */
  issuer?: string | undefined;
  /** Default: three people called ada, grace and linus. */
  users?: DemoUsers | undefined;
  /** Default: RS256. */
  algorithm?: SigningAlgorithm | undefined;
};

/** How userinfo fails, besides: another user's answer. */
export type UserinfoFailure = FailureMode | "401" | "other_subject";

/** How discovery and JWKS fail. "redirect" leads to the right document, "huge" is the right document in 10 MB. */
export type FailureMode = "500" | "silence" | "html" | "redirect" | "huge";

export type IdentityProvider = AsyncDisposable & {
  /** What tokens name, without a slash at its end; its own URL, unless another was given. */
  readonly issuer: string;
  readonly jwksUrl: string;
  readonly users: DemoUsers;
  /** How often each document was asked for, failures included. */
  readonly requests: {
    readonly discovery: number;
    readonly jwks: number;
    readonly userinfo: number;
  };
  /** A signed token; a subject that is none of `users` gets no profile claims. */
  issueToken(subject: string, overrides?: TokenOverrides): Promise<string>;
  /** From now on a new key signs. The old ones stay published, unless `keepOld` is false. */
  rotateKeys(options?: { keepOld?: boolean | undefined }): Promise<void>;
  /** From now on userinfo knows this token, such as an opaque one. */
  acceptToken(token: string, subject: string): void;
  /** `undefined`: works again. */
  fail(mode: FailureMode | undefined): void;
  failUserinfo(mode: UserinfoFailure | undefined): void;
};

export async function startIdentityProvider(
  options: IdentityProviderOptions = {},
): Promise<IdentityProvider> {
  const { host = "127.0.0.1", port = 0, users = DEMO_USERS, algorithm = "RS256" } = options;
  const keys = await createKeyRing(algorithm);
  const app = express().disable("x-powered-by");
  const listener = await startListener(app, { host, port });
  const issuer = options.issuer ?? listener.url;
  const provider: Provider = {
    users,
    keys,
    tokens: createTokens(issuer, users, keys, options),
    requests: { discovery: 0, jwks: 0, userinfo: 0 },
    failures: { documents: undefined, userinfo: undefined },
  };
  const { tokens, requests, failures } = provider;
  app.use(routeDocuments(issuer, provider), routeUserinfo(provider), routeLogin(provider));

  return {
    issuer,
    jwksUrl: `${issuer}/jwks`,
    users,
    requests,
    issueToken: tokens.issue,
    rotateKeys: keys.rotate,
    acceptToken: tokens.accept,
    fail(mode) {
      failures.documents = mode;
    },
    failUserinfo(mode) {
      failures.userinfo = mode;
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** What the routes work with. */
type Provider = {
  readonly users: DemoUsers;
  readonly keys: KeyRing;
  readonly tokens: Tokens;
  readonly requests: { discovery: number; jwks: number; userinfo: number };
  readonly failures: {
    documents: FailureMode | undefined;
    userinfo: UserinfoFailure | undefined;
  };
};

function routeDocuments(issuer: string, { keys, requests, failures }: Provider): Router {
  const router = Router();
  const serve = (path: string, name: "discovery" | "jwks", read: () => object) =>
    router
      .get(path, (_req, res) => {
        requests[name] += 1;
        sendDocument(res, read(), failures.documents, `/moved/${name}`);
      })
      .get(`/moved/${name}`, (_req, res) => void res.json(read()));

  serve("/jwks", "jwks", () => ({ keys: keys.published }));
  return serve("/.well-known/openid-configuration", "discovery", () => ({
    issuer,
    jwks_uri: `${issuer}/jwks`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    response_types_supported: ["token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [keys.current.algorithm],
  }));
}

function routeUserinfo({ users, tokens, requests, failures }: Provider): Router {
  return Router()
    .get("/userinfo", (req, res) => {
      requests.userinfo += 1;
      const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? "")?.[1] ?? "";
      const subject = tokens.subjectOf(token);
      const failure = failures.userinfo;
      res.set("Cache-Control", "no-store");
      if (subject === undefined || failure === "401") {
        res.status(401).json({ error: "invalid_token" });
        return;
      }
      const sub = failure === "other_subject" ? `not-${subject}` : subject;
      const mode = failure === "other_subject" ? undefined : failure;
      sendDocument(res, { sub, ...profileOf(users, subject) }, mode, "/moved/userinfo");
    })
    .get("/moved/userinfo", (_req, res) => void res.json({ sub: "moved" }));
}

function routeLogin({ users, tokens }: Provider): Router {
  return Router()
    .all("/token", allowAnyPage, express.json(), async (req, res) => {
      const user: unknown = req.body?.user;
      res.set("Cache-Control", "no-store");
      if (typeof user !== "string" || !Object.hasOwn(users, user)) {
        res.status(400).json({ error: "invalid_grant", error_description: "No such user." });
        return;
      }
      res.json({
        access_token: await tokens.issue(user),
        token_type: "Bearer",
        expires_in: TOKEN_LIFETIME_SECONDS,
      });
    })
    .get("/token/:user", async (req, res) => {
      const { user } = req.params;
      res.set("Cache-Control", "no-store").type("text");
      if (Object.hasOwn(users, user)) res.send(await tokens.issue(user));
      else res.status(404).send("There is no such user.\n");
    });
}

function sendDocument(
  res: Response,
  document: object,
  failure: FailureMode | undefined,
  movedTo: string,
): void {
  switch (failure) {
    case undefined:
      res.json(document);
      return;
    case "500":
      res.status(500).json({ error: "server_error" });
      return;
    case "silence":
      return;
    case "html":
      res.type("html").send("<!doctype html><title>Maintenance</title>");
      return;
    case "redirect":
      res.redirect(movedTo);
      return;
    case "huge":
      res.json({ ...document, padding: "x".repeat(10_000_000) });
      return;
  }
}

/** The demo's partner page logs in from another origin. There is no password, so there is nothing to protect. */
const allowAnyPage: RequestHandler = (req, res, next) => {
  res.set({
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "content-type",
  });
  if (req.method === "POST") next();
  else res.status(req.method === "OPTIONS" ? 204 : 405).end();
};
