/**
 * What SSO API v3 and MDX Real Time have in common: the key in a header, the client in the path, versioned media types, and
 * statuses that say it all.
 *
 * Checked in this order (assumed): key, client, media types. MX documents no error body; this one is invented, so that nobody
 * relies on it. Source: MX SSO API v3, Requirements; MX MDX Real Time.
 */

import type { RequestHandler } from "express";
import type { Answer } from "./answer.ts";
import type { Operation } from "./operation.ts";
import type { ApiRequest, Serve } from "./serve.ts";

export type VendorCredentials = { mdApiKey: string; vendorClientId: string };

export type Handle = (request: ApiRequest) => Answer;

export type VendorCall = (operation: Operation | "unknown", handle: Handle) => RequestHandler;

export function createVendorCall(options: {
  serve: Serve;
  credentials: VendorCredentials;
  mediaType: string;
}): VendorCall {
  const { serve, credentials, mediaType } = options;

  return (operation, handle) =>
    serve(operation, {
      reply(request) {
        const { "md-api-key": key, accept, "content-type": contentType } = request.headers;
        if (key !== credentials.mdApiKey) return vendorError(401);
        if (request.params.client !== credentials.vendorClientId) return vendorError(404);
        if (accept !== mediaType) return vendorError(406);
        if (request.body !== undefined && contentType !== mediaType) return vendorError(415);
        return withMediaType(handle(request), mediaType);
      },
      absent: () => vendorError(404),
      failure: vendorError,
    });
}

export function vendorError(status: number): Answer {
  return { status, body: { errors: [`the simulator's own words for ${status}`] } };
}

function withMediaType(answer: Answer, mediaType: string): Answer {
  return answer.body === undefined ? answer : { ...answer, headers: { "content-type": mediaType } };
}
