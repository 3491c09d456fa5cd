/**
 * What session endpoints answer that people put behind AUTH_SESSION_CHECK_URL, rebuilt from their public documentation.
 *
 * Sources: the documentation of Auth.js, ASP.NET Core and oauth2-proxy.
 */

export type Answer = { status?: number; headers?: Record<string, string>; body?: unknown };

export type Session = {
  good: object;
  /** At MX; hashed if undefined. */
  userId?: string;
  chunks: (cookie: string) => string[];
  /** Answers that mean nobody, and the reason in the log. */
  bad: [Answer, string][];
  /** Answers that do not say. */
  broken: Answer[];
};

const EXPIRES = "2126-01-15T09:00:00.000Z";

export const SESSIONS: Readonly<Record<string, Session>> = {
  "Auth.js": {
    good: { user: { name: "Ada", email: "ada@example.com" }, expires: EXPIRES, sub: "u-1" },
    userId: "u-1",
    chunks: (cookie) => [`${cookie}.0=a`, `${cookie}.1=b`],
    bad: [
      [{ body: null }, "no_session"], // Version 5.
      [{ body: {} }, "no_session"], // Version 4.
      [{ body: { user: { name: "Ada" }, expires: EXPIRES } }, "no_user_claim"],
    ],
    broken: [
      { status: 500, body: { message: "There was a problem with the server configuration." } },
    ],
  },
  "ASP.NET Core cookies": {
    good: { sub: "u-1" },
    userId: "u-1",
    chunks: (cookie) => [`${cookie}=chunks-2`, `${cookie}C1=a`, `${cookie}C2=b`],
    bad: [
      [{ status: 401 }, "no_session"],
      [{ status: 403 }, "no_session"],
      [{ body: { sub: null } }, "no_session"],
    ],
    broken: [{ status: 302, headers: { location: "/Account/Login?ReturnUrl=%2Fme" } }],
  },
  "oauth2-proxy": {
    good: { user: "auth0|65f0", email: "ada@example.com", preferredUsername: "ada" },
    chunks: (cookie) => [`${cookie}_0=a`, `${cookie}_1=b`],
    bad: [
      [{ status: 401 }, "no_session"],
      [{ body: { email: "ada@example.com" } }, "no_user_claim"],
    ],
    broken: [{ status: 404 }],
  },
};
