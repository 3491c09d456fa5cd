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

export type Asset = {
  content: Buffer;
  type: string;
  /** Of the content, 16 hexadecimal digits. */
  hash: string;
  cacheControl: string;
  /** Content-Security-Policy of a page. */
  policy?: string | undefined;
  /** Cross-Origin-Opener-Policy of a page, instead of `same-origin`. */
  openerPolicy?: string;
  /** Whether pages of every origin may load it. */
  isForAllOrigins?: boolean;
};

const FIVE_MINUTES = "public, max-age=300";

export function toAsset(
  content: Buffer | string,
  type: string,
  options: Pick<Asset, "policy" | "openerPolicy" | "isForAllOrigins"> & {
    cacheControl?: string;
  } = {},
): Asset {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return {
    content: bytes,
    type: `${type}; charset=utf-8`,
    hash,
    cacheControl: FIVE_MINUTES,
    ...options,
  };
}

/** Answers GET and HEAD at the paths of `assets`, other methods there with 405, and leaves all other paths alone. */
export function createAssets(assets: ReadonlyMap<string, Asset>): RequestHandler {
  const compress = createCompression();
  return async function serveAssets(req, res, next) {
    const asset = assets.get(req.path);
    if (!asset) return next();
    if (req.method !== "GET" && req.method !== "HEAD") refuseMethod(res, "GET, HEAD");
    setHeaders(res, asset);
    if (req.acceptsEncodings("gzip"))
      res.set("Content-Encoding", "gzip").send(await compress(asset));
    else res.send(asset.content);
  };
}

function setHeaders(
  res: Response,
  { type, cacheControl, hash, policy, openerPolicy, isForAllOrigins }: Asset,
): void {
  if (isForAllOrigins) openToAllOrigins(res);
  if (policy) res.set("Content-Security-Policy", policy);
  if (openerPolicy) res.set("Cross-Origin-Opener-Policy", openerPolicy);
  res.set({ "Content-Type": type, "Cache-Control": cacheControl, ETag: `W/"${hash}"` });
  res.vary("Accept-Encoding");
}

/** Each asset once, off the main thread. */
function createCompression(): (asset: Asset) => Promise<Buffer> {
  const gzipped = new Map<Asset, Promise<Buffer>>();
  return function compress(asset) {
    const known = gzipped.get(asset) ?? promisify(gzip)(asset.content, { level: 9 });
    gzipped.set(asset, known);
    return known;
  };
}
