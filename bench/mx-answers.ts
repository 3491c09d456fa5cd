/**
 * What MX answers in a bench: always the same, and naming no user, so that a plain file server can say it.
 *
 * Source: MX Platform API, Request widget URL, Create user; MX SSO API v2, Read user, Read member.
 */

import { SSO_WIDGET_TYPES } from "../src/session/widget-options.ts";

/** As long as real ones. */
const URL_TAIL = "md/connect/0nZ3nRl9fbkSxv_bv1mNjzM8J0Gh9kYwqVYTqXnR2mK7yQ3xwE6tPb4sLc5dHfJ8";
const USER_GUID = "USR-7c5a3d0e-4c51-4a0e-9c62-1f4f0a9d2b11";

export type MxAnswer = { status: number; body: string };

export const WIDGET_URL = toAnswer(200, {
  widget_url: { type: "connect_widget", url: `https://widgets.example/${URL_TAIL}` },
});

export const NEW_USER = toAnswer(200, { user: { guid: USER_GUID, is_disabled: false } });

export const NO_USER = toAnswer(404, {
  error: { message: "User not found.", status: "not_found", type: "request" },
});

export const SSO_USER = toAnswer(200, {
  guid: USER_GUID,
  is_disabled: false,
  ...Object.fromEntries(
    SSO_WIDGET_TYPES.map((type) => [`${type}_url`, `https://widgets.example/${type}/${URL_TAIL}`]),
  ),
});

export const SSO_MEMBER = toAnswer(200, { guid: "MBR-6d1c6c39-2d9f-4f7e-8a55-0d6c1b3c9e42" });

function toAnswer(status: number, body: object): MxAnswer {
  return { status, body: JSON.stringify(body) };
}
