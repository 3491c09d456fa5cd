/**
 * The Platform API's error envelope.
 *
 * The envelope and the words of a 403 are documented; the words of other statuses follow its pattern (assumed).
 * Source: MX Platform API, Errors.
 */

import type { z } from "zod";
import type { Answer } from "./answer.ts";

const STATUS_WORDS: Readonly<Record<number, string>> = {
  400: "bad_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  406: "not_acceptable",
  409: "conflict",
  422: "unprocessable_entity",
  429: "too_many_requests",
  500: "internal_server_error",
  502: "bad_gateway",
  503: "service_unavailable",
  504: "gateway_timeout",
};

export function platformError(status: number, message?: string): Answer {
  const words = STATUS_WORDS[status] ?? "unknown";
  const error = {
    message: message ?? words.replaceAll("_", " "),
    status: words,
    type: `${words}_error`,
  };
  return { status, body: { error } };
}

export function notFound(): Answer {
  return platformError(404);
}

export function alreadyExists(): Answer {
  return platformError(409, "an object with the given attributes already exists");
}

export function whatIsInvalid(error: z.ZodError): string {
  return `${error.issues[0]?.path.join(".")} is invalid`;
}
