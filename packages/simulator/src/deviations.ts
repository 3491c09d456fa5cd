/**
 * Where MX's documents are silent or ambiguous, the simulator has to assume something. Each assumption can be switched to
 * its opposite here, so that a client can be tried against an MX that turns out to be different.
 */

export const DEVIATIONS = {
  // SSO API v2
  "credit-score-refused": "User create refuses `credit_score`",
  "ids-ignore-case": "`u-1` and `U-1` are the same User",
  "long-ids-refused": "ids of more than 64 characters are refused",
  "member-path": "Members are not read at `/member/{id}`",
  "disabled-not-shown": "`status.name` is not DISABLED for a disabled User",
  "user-delete-path": "Users are not deleted at `/user/{id}`",
  "ids-not-reusable": "the id of a deleted User stays taken",
  "member-exists-text": "a second Member of one id is refused in other words",
  "member-owner-missing": "answers about Members do not name the User",
  "member-update-path": "Members are not updated at `/member/{id}`",
  "login-fields": "credentials called `login` and `password` are refused",
  "members-outlive-users": "the Members of a deleted User stay",
  // Platform API
  "conflict-status": "a taken `id` is answered with 422",
  "slow-users": "a new User is unknown for two seconds more",
  "apis-apart": "Users that the SSO API made are unknown to the Platform API",
  "widget-url-names-guid": "`user_id` beside a widget URL is MX's guid",
  "disabled-served": "a disabled User still gets widget URLs",
  "old-version-refused": "`Accept-Version: v20111101` is refused",
  "id-filter-empty": "`GET /users?id=` finds nobody",
} as const;

export type Deviation = keyof typeof DEVIATIONS;

/** What is switched on; may be changed at any time. */
export type Deviating = { deviations: readonly Deviation[] };

export function deviates({ deviations }: Deviating, name: Deviation): boolean {
  return deviations.includes(name);
}
