/**
 * The partner's own login: an authorization server that answers introspection, and an endpoint that knows sessions.
 *
 * Source: RFC 7662, section 2 (unknown tokens are not active; a client that is not known gets 401).
 */

import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Environment } from "../../src/config/variables.ts";

export type SeenCall = {
  path: string;
  method: string;
  headers: IncomingHttpHeaders;
  body: string;
};

/** Instead of an answer. */
export type Misbehave = (res: ServerResponse, call: SeenCall) => void;

export type PartnerLogin = AsyncDisposable & {
  url: string;
  /** For introspection and session check together. */
  environment: Environment;
  calls: readonly SeenCall[];
  /** What introspection says about a token. */
  tokens: Map<string, object>;
  /** Claims by the value of the cookie `__Host-session`. */
  sessions: Map<string, object>;
  misbehave(how: Misbehave | undefined): void;
  /** Forgets the calls so far. */
  clear(): void;
};

const CLIENT_ID = "bff:client";
const CLIENT_SECRET = "s3cret with ümlaut & % + :";
export const SESSION_COOKIE = "__Host-session";

export async function startPartnerLogin(): Promise<PartnerLogin> {
  const calls: SeenCall[] = [];
  const tokens = new Map<string, object>();
  const sessions = new Map<string, object>();
  let misbehaviour: Misbehave | undefined;

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { url: path = "", method = "", headers } = req;
    const call = { path, method, headers, body: await text(req) };
    calls.push(call);
    if (misbehaviour) misbehaviour(res, call);
    else if (path === "/introspect" && method === "POST") introspect(call, res);
    else if (path === "/me?as=claims" && method === "GET") checkSession(call, res);
    else sendJson(res, 404, { error: "not_found" });
  }

  function introspect({ headers, body }: SeenCall, res: ServerResponse): void {
    const form = new URLSearchParams(body);
    const [, basic = ""] = headers.authorization?.split("Basic ") ?? [];
    const [id = "", secret = ""] = Buffer.from(basic, "base64").toString().split(":");
    const [inHeader] = new URLSearchParams(`${id}=${secret}`);
    const inBody = [form.get("client_id"), form.get("client_secret")];
    const client = headers.authorization === undefined ? inBody : inHeader;
    const isKnown = client?.[0] === CLIENT_ID && client[1] === CLIENT_SECRET;
    const token = form.get("token") ?? "";
    if (isKnown) sendJson(res, 200, tokens.get(token) ?? { active: false });
    else sendJson(res, 401, { error: "invalid_client" });
  }

  function checkSession({ headers }: SeenCall, res: ServerResponse): void {
    const claims = sessions.get(headers.cookie?.replace(`${SESSION_COOKIE}=`, "") ?? "");
    sendJson(res, claims ? 200 : 401, claims ?? { error: "no session" });
  }

  const server = createServer((req, res) => void answer(req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    environment: {
      AUTH_INTROSPECTION_URL: `${url}/introspect`,
      AUTH_INTROSPECTION_CLIENT_ID: CLIENT_ID,
      AUTH_INTROSPECTION_CLIENT_SECRET: CLIENT_SECRET,
      AUTH_SESSION_CHECK_URL: `${url}/me?as=claims`,
      AUTH_SESSION_COOKIE: SESSION_COOKIE,
    },
    calls,
    tokens,
    sessions,
    misbehave(how) {
      misbehaviour = how;
    },
    clear() {
      calls.length = 0;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
