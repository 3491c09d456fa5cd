/**
 * The SSO API v2's refusals: `{ "error": "text" }`, except that 404 and 502 come without a body.
 *
 * Source: MX SSO API v2, Errors.
 */

import type { Answer } from "./answer.ts";

export function ssoError(status: number, error: string): Answer {
  return { status, body: { error } };
}

/** A status for a reason that lies outside of the call. */
export function ssoFailure(status: number): Answer {
  if (status === 404 || status === 502) return { status };
  if (status === 503) return ssoError(503, "Service Temporarily Unavailable.");
  return ssoError(status, "Unknown error.");
}

export function userNotFound(id: string): Answer {
  return ssoError(400, `User with guid ${id} not found.`);
}

export function userExists(id: string): Answer {
  return ssoError(400, `User already exists with guid ${id}`);
}

export function invalidUserId(): Answer {
  return ssoError(400, "Invalid format for external user guid.");
}

export function memberNotFound(): Answer {
  return ssoError(500, "Member not found.");
}

export function invalidMemberId(): Answer {
  return ssoError(400, "Invalid format for external member guid");
}

export function clientNotAssociated(): Answer {
  return ssoError(500, "Create user failed: Client must be associated.");
}
