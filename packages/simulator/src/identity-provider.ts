/**
 * A small OpenID provider with discovery, a JWKS, userinfo and a demo login, for tests and the demo.
 *
 * Source: OpenID Connect Discovery 1.0; RFC 7517 (JWKS); RFC 6749, section 5 (token answers).
 */

import express, { type RequestHandler, type Response } from "express";
import { DEMO_USERS, type DemoUsers } from "./demo-users.ts";
import { startListener } from "./listener.ts";
import { createSigningKey, type SigningAlgorithm } from "./signing-key.ts";

export type IdentityProviderOptions = {
  /** Default: 127.0.0.1. */
  host?: string | undefined;
  /** Default: any free port. */
  port?: number | undefined;
  /** What it calls itself, such as the origin of a TLS proxy in front. Default: where it listens. */
  issuer?: string | undefined;
  /** Default: three people called ada, grace and linus. */
  users?: DemoUsers | undefined;
  /** In every token, besides. Default: none. */
  claims?: Readonly<Record<string, unknown>> | undefined;
  /** Whether tokens hold the profile, too; userinfo always does. Default: true. */
  profileInTokens?: boolean | undefined;
  /** Default: "mx-session-bff". */
  audience?: string | undefined;
  /** Default: RS256. */
  algorithm?: SigningAlgorithm | undefined;
  /** Milliseconds since the epoch. Default: Date.now. */
  now?: (() => number) | undefined;
};

export type TokenOverrides = {
  /** Claims to add or replace; `undefined` removes one. */
  claims?: Readonly<Record<string, unknown>> | undefined;
  /** Header parameters to add or replace; `undefined` removes one. The token is signed as ever. */
  header?: Readonly<Record<string, unknown>> | undefined;
  /** Signs with a key that was never published, under the id of the one that was. */
  foreignKey?: boolean | undefined;
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

const TOKEN_LIFETIME_SECONDS = 300;
/** That userinfo remembers. */
const MAX_TOKENS = 10_000;

export async function startIdentityProvider(
  options: IdentityProviderOptions = {},
): Promise<IdentityProvider> {
  const { host = "127.0.0.1", port = 0, users = DEMO_USERS, now = Date.now } = options;
  const { audience = "mx-session-bff", algorithm = "RS256", claims: extra = {} } = options;
  const { profileInTokens = true } = options;
  const requests = { discovery: 0, jwks: 0, userinfo: 0 };
  const subjects = new Map<string, string>();
  let failure: FailureMode | undefined;
  let userinfoFailure: UserinfoFailure | undefined;
  let key = await createSigningKey(algorithm);
  let published = [key.publicJwk];

  const app = express();
  const listener = await startListener(app, { host, port });
  const issuer = options.issuer ?? listener.url;
  const jwksUrl = `${issuer}/jwks`;

  const describe = () => ({
    issuer,
    jwks_uri: jwksUrl,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    response_types_supported: ["token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [algorithm],
  });
  const listKeys = () => ({ keys: published });

  app.disable("x-powered-by");
  app.get("/.well-known/openid-configuration", (_req, res) => {
    requests.discovery += 1;
    sendDocument(res, describe(), failure, "/moved/discovery");
  });
  app.get("/jwks", (_req, res) => {
    requests.jwks += 1;
    sendDocument(res, listKeys(), failure, "/moved/jwks");
  });
  app.get("/userinfo", (req, res) => {
    requests.userinfo += 1;
    const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? "")?.[1] ?? "";
    const subject = subjects.get(token);
    res.set("Cache-Control", "no-store");
    if (subject === undefined || userinfoFailure === "401") {
      res.status(401).json({ error: "invalid_token" });
      return;
    }
    const sub = userinfoFailure === "other_subject" ? `not-${subject}` : subject;
    const mode = userinfoFailure === "other_subject" ? undefined : userinfoFailure;
    sendDocument(res, { sub, ...profileOf(subject) }, mode, "/moved/userinfo");
  });
  app.get("/moved/userinfo", (_req, res) => void res.json({ sub: "moved" }));
  app.get("/moved/discovery", (_req, res) => void res.json(describe()));
  app.get("/moved/jwks", (_req, res) => void res.json(listKeys()));
  app.all("/token", allowAnyPage, express.json(), async (req, res) => {
    const user: unknown = req.body?.user;
    res.set("Cache-Control", "no-store");
    if (typeof user !== "string" || !Object.hasOwn(users, user)) {
      res.status(400).json({ error: "invalid_grant", error_description: "No such user." });
      return;
    }
    const accessToken = await issueToken(user);
    res.json({
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: TOKEN_LIFETIME_SECONDS,
    });
  });
  app.get("/token/:user", async (req, res) => {
    const { user } = req.params;
    res.set("Cache-Control", "no-store").type("text");
    if (Object.hasOwn(users, user)) res.send(await issueToken(user));
    else res.status(404).send("There is no such user.\n");
  });

  function profileOf(subject: string): Readonly<Record<string, unknown>> {
    return (Object.hasOwn(users, subject) && users[subject]) || {};
  }

  function acceptToken(token: string, subject: string): void {
    if (subjects.size >= MAX_TOKENS) subjects.clear();
    subjects.set(token, subject);
  }

  async function issueToken(subject: string, overrides: TokenOverrides = {}): Promise<string> {
    const iat = Math.floor(now() / 1000);
    const exp = iat + TOKEN_LIFETIME_SECONDS;
    const profile = profileInTokens ? profileOf(subject) : {};
    const claims = { iss: issuer, sub: subject, aud: audience, iat, exp, ...extra, ...profile };
    const header = { alg: algorithm, typ: "JWT", kid: key.id };
    const signer = overrides.foreignKey ? await createSigningKey(algorithm) : key;
    // What is overridden with `undefined` does not get into JSON.
    const all = { ...claims, ...overrides.claims };
    const token = await signer.sign({ ...header, ...overrides.header }, all);
    if (!overrides.foreignKey) acceptToken(token, String(all.sub));
    return token;
  }

  return {
    issuer,
    jwksUrl,
    users,
    requests,
    issueToken,
    async rotateKeys({ keepOld = true } = {}) {
      key = await createSigningKey(algorithm);
      published = keepOld ? [key.publicJwk, ...published] : [key.publicJwk];
    },
    acceptToken,
    fail(mode) {
      failure = mode;
    },
    failUserinfo(mode) {
      userinfoFailure = mode;
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
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
