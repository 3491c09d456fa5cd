/**
 * Files that are the same for everyone: read at start, compressed when first asked for, served under exact paths.
 *
 * Sources: RFC 9110, sections 8.8.3 (ETag; weak, as it is the same for both encodings) and 12.5.5 (Vary).
 */

import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { RequestHandler, Response } from "express";
import { openToAllOrigins } from "./origins.ts";
import { refuseMethod } from "./problems.ts";

type AssetOptions = {
  /** Default: five minutes. */
  cacheControl?: string;
  /** Content-Security-Policy of a page. */
  policy?: string;
  /** Cross-Origin-Opener-Policy of a page, instead of `same-origin`. */
  openerPolicy?: string;
  /** Whether pages of every origin may load it. */
  isForAllOrigins?: boolean;
};

export type Asset = AssetOptions & {
  content: Buffer;
  type: string;
  /** Of the content, 16 hexadecimal digits. */
  hash: string;
  /** Once it was asked for. */
  gzipped?: Promise<Buffer>;
};

export function toAsset(content: Buffer | string, type: string, options: AssetOptions = {}): Asset {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return { content: bytes, type: `${type}; charset=utf-8`, hash, ...options };
}

/** Answers GET and HEAD at the paths of `assets`, other methods there with 405, and leaves all other paths alone. */
export function createAssets(assets: ReadonlyMap<string, Asset>): RequestHandler {
  return async function serveAssets(req, res, next) {
    const asset = assets.get(req.path);
    if (!asset) return next();
    if (req.method !== "GET" && req.method !== "HEAD") refuseMethod(res, "GET, HEAD");
    setHeaders(res, asset);
    if (!req.acceptsEncodings("gzip")) return void res.send(asset.content);
    asset.gzipped ??= promisify(gzip)(asset.content, { level: 9 }); // Once, off the main thread.
    res.set("Content-Encoding", "gzip").send(await asset.gzipped);
  };
}

function setHeaders(res: Response, asset: Asset): void {
  const { type, cacheControl = "public, max-age=300", hash, policy, openerPolicy } = asset;
  if (asset.isForAllOrigins) openToAllOrigins(res);
  if (policy) res.set("Content-Security-Policy", policy);
  if (openerPolicy) res.set("Cross-Origin-Opener-Policy", openerPolicy);
  res.set({ "Content-Type": type, "Cache-Control": cacheControl, ETag: `W/"${hash}"` });
  res.vary("Accept-Encoding");
}

/** Of a page: nothing is loaded, framed or submitted but what `directives` allow, and nobody frames it. */
export function toPolicy(...directives: string[]): string {
  const rest = ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];
  return ["default-src 'none'", ...directives, ...rest].join("; ");
}

/** Allows this style element. */
export function allowStyle(style: string): string {
  return `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`;
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
