/**
 * Where MX's documents are silent or ambiguous, the simulator has to assume something. Each assumption can be switched to
 * its opposite here, so that a client can be tried against an MX that turns out to be different.
 */

export const DEVIATIONS = {
  // Several APIs
  "ids-ignore-case": "`u-1` and `U-1` are the same User",
  "long-ids-refused": "ids of more than 64 characters are refused",
  "ids-not-reusable": "the id of a deleted User stays taken",
  "members-outlive-users": "the Members of a deleted User stay",
  "slow-users": "a new User is unknown for two seconds more",
  "apis-apart": "The Platform API does not know Users that the SSO API or MDX has created",
  "widget-url-names-guid": "`user_id` beside a widget URL is MX's guid",
  "disabled-served": "a disabled User still gets widget URLs",
  // SSO API v2
  "credit-score-refused": "User create refuses `credit_score`",
  "member-path": "Members are not read at `/member/{id}`",
  "disabled-not-shown": "`status.name` is not DISABLED for a disabled User",
  "user-delete-path": "Users are not deleted at `/user/{id}`",
  "member-exists-text": "a second Member of one id is refused in other words",
  "member-owner-missing": "answers about Members do not name the User",
  "member-update-path": "Members are not updated at `/member/{id}`",
  "login-fields": "credentials called `login` and `password` are refused",
  // Platform API
  "conflict-status": "a taken `id` is answered with 422",
  "old-version-refused": "`Accept-Version: v20111101` is refused",
  "id-filter-empty": "`GET /users?id=` finds nobody",
  // SSO API v3 and MDX Real Time
  "v3-unknown-user": "SSO API v3 answers 422 for an unknown User",
  "v3-unknown-widget": "SSO API v3 answers 422 for a widget that the client does not have",
  "v3-options-refused": "SSO API v3 refuses `data_request`",
  "mdx-key-apart": "MDX Real Time does not accept the SSO API's key",
  "mdx-user-conflict": "MDX Real Time answers 422 if a User's id is taken",
  "mdx-member-conflict": "MDX Real Time answers 422 if a Member's id is taken",
  "mdx-profile-refused": "MDX Real Time refuses `credit_score`",
} as const;

export type Deviation = keyof typeof DEVIATIONS;

/** What is switched on; may be changed at any time. */
export type Deviating = { deviations: readonly Deviation[] };

export function deviates({ deviations }: Deviating, name: Deviation): boolean {
  return deviations.includes(name);
}
