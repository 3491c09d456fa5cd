/**
 * Bodies are JSON in UTF-8, uncompressed, up to 16 kB, or absent.
 *
 * The type is checked before anything is read: forms and text are what a foreign page can send without asking. What is too
 * large is answered at once, not when it has arrived; Node then reads the rest and drops it, so that the answer is not
 * lost. express.json does neither (decision 0009).
 */

import type { IncomingMessage } from "node:http";
import type { NextFunction, Request, Response } from "express";
import { AppError } from "../errors.ts";

const MAX_BYTES = 16 * 1024;

/** Sets `req.body` to the parsed value, or leaves it undefined if there is no body. */
export async function jsonBody(req: Request, _res: Response, next: NextFunction): Promise<void> {
  req.body = await readJsonBody(req);
  next();
}

async function readJsonBody(req: IncomingMessage): Promise<object | undefined> {
  if (!hasBody(req)) {
    refuseType(req.headers["content-type"]);
    return undefined;
  }
  refuseType(req.headers["content-type"] ?? "none");
  const encoding = req.headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity")
    throw new AppError("unsupported_media_type", "The body must not be compressed.");
  if (Number(req.headers["content-length"] ?? 0) > MAX_BYTES) throw tooLarge();
  const bytes = await read(req);
  return bytes.length === 0 ? undefined : parse(bytes);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function refuseType(contentType: string | undefined): void {
  if (contentType === undefined || isJson(contentType)) return;
  throw new AppError(
    "unsupported_media_type",
    "The body must be JSON in UTF-8: send Content-Type: application/json.",
  );
}

function isJson(contentType: string): boolean {
  const type = contentType.toLowerCase();
  const charsets = type.match(/(?<=[; \t]charset=)[^; \t]+/g) ?? [];
  return JSON_TYPE.test(type) && charsets.every((charset) => /^("?)utf-8\1$/.test(charset));
}

/** With parameters, and no white space but SP and HTAB. Source: RFC 9110, sections 5.6.3, 5.6.6 and 8.3.1. */
const JSON_TYPE =
  /^application\/json(?:[ \t]*;[ \t]*(?:[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"[^"\\]*"))?)*$/;

/** By events: an iterator over so little costs more than all of the parsing. What is beyond the limit is read and dropped. */
function read(req: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  req.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) reject(tooLarge());
    else chunks.push(chunk);
  });
  req.on("end", () => resolve(Buffer.concat(chunks)));
  req.on("close", () => {
    if (!req.readableEnded) reject(incomplete()); // Nobody is there to read it.
  });
  return promise;
}

function incomplete(): AppError {
  return new AppError("invalid_request", "The body must be complete.");
}

function tooLarge(): AppError {
  return new AppError("payload_too_large", "The body must not have more than 16 kB.");
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The error of `JSON.parse` repeats what was sent, so it goes no further. */
function parse(bytes: Buffer): object {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new AppError("invalid_request", "The body must be a JSON object, complete and in UTF-8.");
}
