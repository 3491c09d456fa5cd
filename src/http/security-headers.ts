/**
 * helmet's headers, asked for once, and no-store: they are the same for every answer.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestHandler } from "express";
import helmet from "helmet";

/** For an API: nothing may be loaded or framed. Pages that load something say so themselves. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = readHeaders(
  helmet({
    frameguard: { action: "deny" },
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
  }),
);

/** Nothing is stored, errors included; what may be says so itself. */
export function createSecurityHeaders(): RequestHandler {
  const headers = new Map([...Object.entries(SECURITY_HEADERS), ["Cache-Control", "no-store"]]);

  return function securityHeaders(_req, res, next) {
    res.setHeaders(headers);
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
