/**
 * Bodies are JSON in UTF-8, uncompressed, up to 16 kB, or absent.
 *
 * A foreign page can send forms and text without a preflight, so a body must be marked as JSON. What is too large is
 * answered at once, not when it has arrived; Node then reads the rest and drops it, so that the answer is not lost.
 * express.json does not (decision 0009).
 */

import type { IncomingMessage } from "node:http";
import type { NextFunction, Request, Response } from "express";
import { AppError } from "../errors.ts";

const MAX_BYTES = 16 * 1024;

/** Sets `req.body` to the parsed value, or leaves it undefined: no bytes are no body, whatever the type, and `null` is none. */
export async function jsonBody(req: Request, _res: Response, next: NextFunction): Promise<void> {
  req.body = await readJsonBody(req);
  next();
}

async function readJsonBody(req: IncomingMessage): Promise<object | undefined> {
  const { "content-length": length, "transfer-encoding": encoding } = req.headers;
  const declared = Number(length ?? 0);
  if (declared === 0 && encoding === undefined) return undefined;
  const fault = findMediaFault(req);
  if (declared > 0 && fault) throw fault;
  if (declared > MAX_BYTES) throw tooLarge();
  const bytes = await read(req, fault);
  return bytes.length === 0 ? undefined : parse(bytes);
}

function findMediaFault({ headers }: IncomingMessage): AppError | undefined {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity")
    return new AppError("unsupported_media_type", "The body must not be compressed.");
  if (isJson(headers["content-type"] ?? "none")) return undefined;
  return new AppError(
    "unsupported_media_type",
    "The body must be JSON in UTF-8: send Content-Type: application/json.",
  );
}

function isJson(contentType: string): boolean {
  const type = contentType.toLowerCase();
  const charsets = type.match(/(?<=[; \t]charset=)[^; \t]+/g) ?? [];
  return JSON_TYPE.test(type) && charsets.every((charset) => /^("?)utf-?8\1$/.test(charset));
}

/**
 * With parameters, and no white space but SP and HTAB. Each blank fits in one place only: a choice would cost time that
 * grows with every blank. Source: RFC 9110, sections 5.6.3, 5.6.6 and 8.3.1.
 */
const JSON_TYPE =
  /^application\/json[ \t]*(?:;[ \t]*(?:[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"[^"\\]*")[ \t]*)?)*$/;

/**
 * By events, because an iterator costs more than all of the parsing. What is beyond the limit is read and dropped.
 * `fault` counts once there is a byte.
 */
function read(req: IncomingMessage, fault: AppError | undefined): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  req.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (fault) reject(fault);
    else if (bytes > MAX_BYTES) reject(tooLarge());
    else chunks.push(chunk);
  });
  req.on("end", () => resolve(Buffer.concat(chunks)));
  req.on("close", () => {
    // Nobody is there to read it.
    if (!req.readableEnded) reject(new AppError("invalid_request", "The body must be complete."));
  });
  return promise;
}

function tooLarge(): AppError {
  return new AppError("payload_too_large", "The body must not have more than 16 kB.");
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The error of `JSON.parse` repeats what was sent, so it is not passed on. */
function parse(bytes: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    if (value === null) return undefined;
    if (typeof value === "object") return value;
  } catch {
    // Told below.
  }
  throw new AppError("invalid_request", "The body must be a JSON object, complete and in UTF-8.");
}
