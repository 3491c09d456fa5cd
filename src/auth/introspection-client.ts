/**
 * Asks the partner's authorization server about a token.
 *
 * Sources: RFC 7662, section 2; RFC 6749, section 2.3.1 (id and secret are form-encoded before they become Basic).
 */

import * as z from "zod";
import type { Secret } from "../secret.ts";
import type { ExchangeRequest } from "../upstream/exchange.ts";
import type { LoginCall } from "./login-client.ts";

export type IntrospectionOptions = {
  call: LoginCall;
  url: URL;
  clientId: string;
  clientSecret: Secret;
};

const Introspection = z.looseObject({ active: z.boolean() });

/** The server's answer. Throws `auth_unavailable` for all that is none, a refusal of our own credentials included. */
export type Introspect = (
  token: string,
  timeoutMs: number,
) => Promise<z.infer<typeof Introspection>>;

export function createIntrospection(options: IntrospectionOptions): Introspect {
  return async function introspect(token, timeoutMs) {
    const answer = await options.call(toIntrospectionRequest(options, token), timeoutMs);
    const { data: claims } = Introspection.safeParse(answer.body);
    if (answer.status !== 200 || !claims) throw answer.failed();
    return claims;
  };
}

export function toIntrospectionRequest(
  { url, clientId, clientSecret }: Pick<IntrospectionOptions, "url" | "clientId" | "clientSecret">,
  token: string,
): ExchangeRequest {
  const credentials = `${formEncode(clientId)}:${formEncode(clientSecret.reveal())}`;
  return {
    method: "POST",
    path: url.pathname + url.search,
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
    },
    body: new URLSearchParams({ token, token_type_hint: "access_token" }).toString(),
  };
}

function formEncode(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}
