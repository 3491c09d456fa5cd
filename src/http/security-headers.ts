/**
 * helmet's headers, asked for once, and no-store: they are the same for every answer.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestHandler } from "express";
import helmet from "helmet";

/** For an API: nothing may be loaded or framed, nor stored, errors included. Pages and files say so where they differ. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  ...readHeaders(
    helmet({
      frameguard: { action: "deny" },
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      },
    }),
  ),
  "Cache-Control": "no-store",
};

/** For what Express sends, pages and files; all else is written by answer.ts. */
export function createSecurityHeaders(): RequestHandler {
  return function securityHeaders(_req, res, next) {
    res.set({ ...SECURITY_HEADERS, ...res.locals.headers });
    next();
  };
}

function readHeaders(middleware: ReturnType<typeof helmet>): Record<string, string> {
  const headers: Record<string, string> = {};
  const recorder = {
    setHeader(name: string, value: string) {
      headers[name] = value;
    },
    removeHeader: () => undefined,
  };
  middleware({} as IncomingMessage, recorder as unknown as ServerResponse, (error) => {
    if (error) throw error;
  });
  return headers;
}
