/**
 * `/docs`: the contract to browse, from files of our own, without a request to anybody else.
 *
 * Swagger UI needs neither inline scripts nor inline styles, so the policy stays strict; it may draw icons from `data:`
 * and ask this origin.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Response, Router } from "express";
import { AppError } from "../errors.ts";
import { refuseMethod } from "./problem.ts";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Page = { type: string; body: Buffer; etag: string };

export function createDocsPage(): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const { resolve } = createRequire(import.meta.url);
  const own = (name: string) => new URL(`docs-page/${name}`, import.meta.url);

  const page = toPage("html", own("index.html"));
  const files = new Map([
    ["page.css", toPage("css", own("page.css"))],
    ["page.js", toPage("js", own("page.js"))],
    ["swagger-ui.css", toPage("css", resolve("swagger-ui-dist/swagger-ui.css"))],
    ["swagger-ui-bundle.js", toPage("js", resolve("swagger-ui-dist/swagger-ui-bundle.js"))],
  ]);

  router.get("/docs", (_req, res) => send(res, page));
  router.get("/docs/:file", (req, res) => {
    const file = files.get(req.params.file);
    if (!file) throw new AppError("not_found", "There is nothing at this path.");
    send(res, file);
  });

  const refuseOtherMethods = (_req: unknown, res: Response) => refuseMethod(res, "GET, HEAD");
  router.all("/docs", refuseOtherMethods);
  router.all("/docs/:file", refuseOtherMethods);

  return router;
}

function toPage(type: string, path: URL | string): Page {
  const body = readFileSync(path);
  return {
    type,
    body,
    etag: `W/"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`,
  };
}

/** Express answers 304 where the caller has this version. */
function send(res: Response, { type, body, etag }: Page): void {
  res.set({
    "Cache-Control": "public, max-age=300",
    ETag: etag,
    "Content-Security-Policy": POLICY,
  });
  res.type(type).send(body);
}
