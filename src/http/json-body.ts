/**
 * Bodies are JSON in UTF-8, uncompressed, up to 16 kB, or absent.
 *
 * The type is checked first: forms and text are what a foreign page can send without asking. What is too large is
 * answered at once, not when it has arrived; Node then reads the rest and drops it, so that the answer is not lost.
 */

import type { IncomingMessage } from "node:http";
import { AppError } from "../errors.ts";

const MAX_BYTES = 16 * 1024;

/** The parsed value, or `undefined` where there is no body. */
export async function readJsonBody(req: IncomingMessage): Promise<object | undefined> {
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
  const [type = "", ...parameters] = contentType
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  return (
    type === "application/json" && (charset === undefined || /^charset="?utf-8"?$/.test(charset))
  );
}

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
