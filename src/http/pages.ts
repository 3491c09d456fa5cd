/**
 * What the service shows beside sessions: the contract, to read and to browse, a page for each problem type, and the
 * browser helper, under a stable name and under one that changes with its content, and the page for phones.
 *
 * Sources: W3C Subresource Integrity; RFC 8246 (immutable); Fetch Standard (module scripts are fetched by CORS).
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type RequestHandler, Router } from "express";
import { AppError } from "../errors.ts";
import { type Asset, createAssets, toAsset } from "./assets.ts";
import { type HostedPage, toHostedPage } from "./hosted-page.ts";
import { toProblemPage } from "./problem-page.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";

export type PageOptions = {
  /** In front of all addresses; none if empty. */
  basePath: string;
  /** From `createDocs`; undefined leaves them to the operations port (PUBLIC_DOCS). */
  docs: RequestHandler | undefined;
  /** The page for phones; none if undefined (HOSTED_NAME). */
  hosted: HostedPage | undefined;
};

/** The pages of the public port. */
export function createPages({ basePath, docs, hosted }: PageOptions): RequestHandler[] {
  const pages = new Map([
    ...toEmbed(basePath),
    ...toProblemPages(docs !== undefined),
    ...(hosted ? toHostedPage(hosted) : []),
  ]);
  return [createAssets(pages), explainOldEmbed, ...(docs ? [docs] : [])];
}

/**
 * `/openapi.yaml`, and `/docs`: the same to browse, from files of our own. The root leads there. Swagger UI needs neither inline scripts nor
 * inline styles, so the policy stays strict; it may draw icons from `data:` and ask this origin.
 */
export function createDocs(basePath: string): RequestHandler {
  const contract = CONTRACT.replace("\n  - url: /\n", `\n  - url: ${basePath || "/"}\n`);
  const files = createAssets(
    new Map([["/openapi.yaml", toAsset(contract, "application/yaml")], ...DOCS_PAGE]),
  );
  return Router({ strict: true })
    .get("/", ({ baseUrl }, res) => res.status(302).location(`${baseUrl}/docs`).end())
    .use(files);
}

const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Two megabytes, read once. */
const DOCS_PAGE = toDocsPage();
const CONTRACT = readFileSync(new URL("../../openapi.yaml", import.meta.url), "utf8");

function toDocsPage(): [path: string, asset: Asset][] {
  const { resolve } = createRequire(import.meta.url);
  const own = (name: string) => readFileSync(new URL(`docs-page/${name}`, import.meta.url));
  const swagger = (name: string) => readFileSync(resolve(`swagger-ui-dist/${name}`));
  const options = { policy: DOCS_POLICY };
  const [css, script] = ["swagger-ui.css", "swagger-ui-bundle.js"];
  return [
    ["/docs", toAsset(own("index.html"), "text/html", options)],
    ["/docs/page.css", toAsset(own("page.css"), "text/css", options)],
    ["/docs/page.js", toAsset(own("page.js"), "text/javascript", options)],
    [`/docs/${css}`, toAsset(swagger(css), "text/css", options)],
    [`/docs/${script}`, toAsset(swagger(script), "text/javascript", options)],
  ];
}

function toProblemPages(hasDocs: boolean): [path: string, page: Asset][] {
  return Object.values(PROBLEM_TYPES).map((type) => {
    const { html, policy } = toProblemPage(type, hasDocs);
    return [`/problems/${type.name}`, toAsset(html, "text/html", { policy })];
  });
}

const FOR_EVER = "public, max-age=31536000, immutable";

function toEmbed(basePath: string): [path: string, asset: Asset][] {
  const read = (name: string) =>
    readFileSync(new URL(`../../packages/embed/${name}`, import.meta.url));
  const options = { isForAllOrigins: true };
  const script = toAsset(read("embed.js"), "text/javascript", options);
  const path = `/embed.${script.hash}.js`;
  const integrity = `sha384-${createHash("sha384").update(script.content).digest("base64")}`;
  const about = JSON.stringify({ url: basePath + path, integrity });
  return [
    ["/embed.js", script],
    [path, { ...script, cacheControl: FOR_EVER }],
    ["/embed.d.ts", toAsset(read("embed.d.ts"), "text/plain", options)],
    ["/embed.json", toAsset(about, "application/json", options)],
  ];
}

const explainOldEmbed: RequestHandler = ({ path, baseUrl }, _res, next) => {
  if (!/^\/embed\.[^/]+\.js$/.test(path)) return next();
  throw new AppError(
    "not_found",
    `This version of the service has an embed.js with other content: ${baseUrl}/embed.json names it, ${baseUrl}/embed.js has it.`,
  );
};
