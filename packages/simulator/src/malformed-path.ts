/** What Express cannot decode (`/user/%zz`) is for MX one more path that it does not have. */

import type { ErrorRequestHandler, RequestHandler } from "express";

export function malformedPath(unknown: RequestHandler): ErrorRequestHandler {
  return function handleMalformedPath(error, req, res, next) {
    return error instanceof URIError ? unknown(req, res, next) : next(error);
  };
}
