/**
 * How MX Bank answers a login: `mxuser` with a password that names the outcome, or any other for a good one.
 *
 * That another user name is denied is assumed. Sources: MX, Testing with MX Bank; connect-widget, Statuses.
 */

export const STATUS = {
  CREATED: 0,
  DENIED: 2,
  CHALLENGED: 3,
  REJECTED: 4,
  LOCKED: 5,
  CONNECTED: 6,
  FAILED: 14,
  PENDING: 21,
};

const FAILURES = {
  BAD_REQUEST: STATUS.FAILED,
  UNAUTHORIZED: STATUS.DENIED,
  INVALID: STATUS.DENIED,
  LOCKED: STATUS.LOCKED,
  DISABLED: STATUS.DENIED,
  SERVER_ERROR: STATUS.FAILED,
  UNAVAILABLE: STATUS.FAILED,
};

const CHALLENGES = ["challenge", "options", "image"];

/** @returns {{ status: number, challenge?: string }} */
export function logIn(user, password) {
  if (user !== "mxuser") return { status: STATUS.DENIED };
  if (CHALLENGES.includes(password)) return { status: STATUS.CHALLENGED, challenge: password };
  return { status: Object.hasOwn(FAILURES, password) ? FAILURES[password] : STATUS.CONNECTED };
}

/** "correct" is right, the name of a challenge asks again, the name of a failure fails, all else is wrong. */
export function answerChallenge(answer) {
  if (answer === "correct") return { status: STATUS.CONNECTED };
  if (CHALLENGES.includes(answer)) return { status: STATUS.CHALLENGED, challenge: answer };
  return { status: Object.hasOwn(FAILURES, answer) ? FAILURES[answer] : STATUS.REJECTED };
}
