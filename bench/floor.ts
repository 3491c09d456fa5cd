/**
 * The floor: what Node can do at all. The same token check and the same calls to MX on bare node:http, undici and jose,
 * and nothing else: no limits, no log, no second try, no look at what comes in or back.
 *
 * Takes the service's own environment, and tells its parent the port.
 */

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { Pool } from "undici";

const {
  AUTH_ISSUER: issuer = "",
  AUTH_AUDIENCE: audience = "",
  AUTH_JWKS_URL: jwksUrl = "",
  MX_PLATFORM_BASE_URL: platformUrl,
  MX_SSO_BASE_URL: ssoUrl,
} = process.env;
const CREDENTIALS = Buffer.from("bench:bench-run-key").toString("base64");
const PLATFORM_HEADERS = {
  authorization: `Basic ${CREDENTIALS}`,
  accept: "application/json",
  "accept-version": "v20250224",
  "content-type": "application/json",
};
const SSO_HEADERS = { accept: "application/json" };
const SSO_QUERY = "k=bench-run-sso-key&c=bench";

const keys = createLocalJWKSet((await (await fetch(jwksUrl)).json()) as JSONWebKeySet);
const platform = platformUrl && new Pool(platformUrl, { connections: 100 });
const sso = ssoUrl && new Pool(ssoUrl, { connections: 100 });

const server = createServer(async (req, res) => {
  try {
    const token = req.headers.authorization?.slice("Bearer ".length) ?? "";
    const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ["RS256"] });
    const body = await readJson(req);
    const url = await open(payload.sub ?? "", body);
    const expiresAt = new Date(Date.now() + 600_000).toISOString();
    const answer = { widget_url: { type: "connect_widget", url, expires_at: expiresAt } };
    res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  } catch {
    res.writeHead(500).end();
  }
});
server.listen(0, "127.0.0.1", () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});

async function open(userId: string, body: unknown): Promise<string> {
  if (!sso) return (await requestUrl(userId, body)) ?? createUser(userId, body);
  const [user] = await Promise.all([
    read(`/user/${userId}?${SSO_QUERY}`),
    read(`/member/M-${userId}?${SSO_QUERY}`),
  ]);
  if (!platform) return user.master_widget_url ?? "";
  return (await requestUrl(user.guid ?? "", body)) ?? "";
}

async function requestUrl(user: string, body: unknown): Promise<string | undefined> {
  const made = await post(`/users/${user}/widget_urls`, body);
  return made?.widget_url?.url;
}

/** The bench's users come again within three seconds, and the service then looks first (src/mx/create-or-find.ts). */
async function createUser(userId: string, body: unknown): Promise<string> {
  await call("GET", `/users/${userId}`);
  await post("/users", { user: { id: userId, is_disabled: false } });
  return (await requestUrl(userId, body)) ?? "";
}

function post(path: string, body: unknown) {
  return call("POST", path, JSON.stringify(body));
}

async function call(method: "GET" | "POST", path: string, body?: string) {
  if (!platform) throw new Error("no Platform API");
  const answer = await platform.request({
    method,
    path,
    headers: PLATFORM_HEADERS,
    ...(body !== undefined && { body }),
  });
  const content = await answer.body.json();
  if (answer.statusCode === 404) return undefined;
  return content as { widget_url?: { url: string } };
}

async function read(path: string) {
  if (!sso) throw new Error("no SSO API");
  const answer = await sso.request({ method: "GET", path, headers: SSO_HEADERS });
  return (await answer.body.json()) as Record<string, string>;
}

async function readJson(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}
