/**
 * `embed.js` for pages of any origin: under a stable name, and under one that changes with its content.
 *
 * Sources: Fetch Standard (module scripts are fetched by CORS); W3C Subresource Integrity; RFC 8246 (immutable).
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { type Response, Router } from "express";
import { AppError } from "../errors.ts";
import { refuseMethod } from "./problem.ts";

const FIVE_MINUTES = "public, max-age=300";
const FOR_EVER = "public, max-age=31536000, immutable";

export function createEmbedRouter(): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const script = readAsset("embed.js", "text/javascript");
  const types = readAsset("embed.d.ts", "text/plain");
  const about = toAsset(
    Buffer.from(JSON.stringify({ url: `/embed.${script.hash}.js`, integrity: script.integrity })),
    "application/json",
  );

  router.get("/embed.js", (_req, res) => send(res, script, FIVE_MINUTES));
  router.get("/embed.d.ts", (_req, res) => send(res, types, FIVE_MINUTES));
  router.get("/embed.json", (_req, res) => send(res, about, FIVE_MINUTES));
  router.get("/embed.:hash.js", (req, res) => {
    if (req.params.hash !== script.hash)
      throw new AppError(
        "not_found",
        "This version of the service has an embed.js of another content: /embed.json names it, /embed.js has it.",
      );
    send(res, script, FOR_EVER);
  });

  router.all(
    ["/embed.js", "/embed.d.ts", "/embed.json", "/embed.:hash.js"],
    (_req: unknown, res: Response) => refuseMethod(res, "GET, HEAD"),
  );
  return router;
}

type Asset = { content: Buffer; gzipped: Buffer; type: string; hash: string; integrity: string };

function readAsset(name: string, type: string): Asset {
  return toAsset(readFileSync(new URL(`../../packages/embed/${name}`, import.meta.url)), type);
}

function toAsset(content: Buffer, type: string): Asset {
  const digest = createHash("sha384").update(content);
  return {
    content,
    gzipped: gzipSync(content, { level: 9 }),
    type,
    hash: digest.copy().digest("hex").slice(0, 16),
    integrity: `sha384-${digest.digest("base64")}`,
  };
}

function send(res: Response, { content, gzipped, type, hash }: Asset, cacheControl: string): void {
  res.set({
    "Content-Type": `${type}; charset=utf-8`,
    "Cache-Control": cacheControl,
    ETag: `W/"${hash}"`, // Weak: the same for both encodings.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
  });
  res.vary("Accept-Encoding");
  if (!res.req.acceptsEncodings("gzip")) return void res.send(content);
  res.set("Content-Encoding", "gzip").send(gzipped);
}
