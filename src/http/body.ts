/**
 * Bodies are JSON in UTF-8, uncompressed, up to 16 kB, or absent.
 *
 * The type is checked first: forms and text are what a foreign page can send without asking.
 */

import express, { type RequestHandler } from "express";
import { AppError } from "../errors.ts";

const MAX_BYTES = 16 * 1024;

export function createJsonBody(): RequestHandler[] {
  return [requireJson, express.json({ type: () => true, limit: MAX_BYTES, inflate: false })];
}

const requireJson: RequestHandler = (req, _res, next) => {
  const type = req.headers["content-type"];
  if (type === undefined ? hasBody(req.headers) : !isJson(type)) {
    throw new AppError(
      "unsupported_media_type",
      "The body must be JSON in UTF-8: send Content-Type: application/json.",
    );
  }
  next();
};

function hasBody(headers: Record<string, unknown>): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
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
