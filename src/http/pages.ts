/**
 * What the service serves apart from sessions: the contract, to read and to browse, a page for each problem type, the browser
 * helper, under a stable name and under one that changes with its content, and the page for phones.
 *
 * Sources: W3C Subresource Integrity; RFC 8246 (immutable); Fetch Standard (module scripts are fetched by CORS).
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type RequestHandler, Router } from "express";
import { AppError } from "../errors.ts";
import { type Asset, allowStyle, createAssets, escapeHtml, toAsset, toPolicy } from "./assets.ts";
import { type HostedPage, readEmbed, toHostedPage } from "./hosted-page.ts";
import { PROBLEM_TYPES, type ProblemType } from "./problem-types.ts";
import { methodNotAllowed } from "./problems.ts";

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
    .all("/", methodNotAllowed("GET, HEAD"))
    .use(files);
}

const DOCS_POLICY = toPolicy(
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
);

/** Two megabytes, read once. */
const DOCS_PAGE = toDocsPage();
const CONTRACT = readFileSync(new URL("../../openapi.yaml", import.meta.url), "utf8");

function toDocsPage(): [path: string, asset: Asset][] {
  const { resolve } = createRequire(import.meta.url);
  const own = (name: string) => readFileSync(new URL(`docs-page/${name}`, import.meta.url));
  const copies = new URL("docs-page/swagger-ui/", import.meta.url); // Of a build: scripts/build.ts.
  const swagger = (name: string) =>
    readFileSync(existsSync(copies) ? new URL(name, copies) : resolve(`swagger-ui-dist/${name}`));
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

const FOR_EVER = "public, max-age=31536000, immutable";

function toEmbed(basePath: string): [path: string, asset: Asset][] {
  const options = { isForAllOrigins: true };
  const script = toAsset(readEmbed("embed.js"), "text/javascript", options);
  const path = `/embed.${script.hash}.js`;
  const integrity = `sha384-${createHash("sha384").update(script.content).digest("base64")}`;
  const about = JSON.stringify({ url: basePath + path, integrity });
  return [
    ["/embed.js", script],
    [path, { ...script, cacheControl: FOR_EVER }],
    ["/embed.d.ts", toAsset(readEmbed("embed.d.ts"), "text/plain", options)],
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

const STYLE = `
:root { color-scheme: light dark; }
body { margin: 0; padding: 2rem min(4vw, 1rem); font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere;
  background: light-dark(#f6f8fa, #0d1117); color: light-dark(#1f2328, #e6edf3); }
main { max-width: 40rem; margin: 0 auto; padding: 1.5rem min(8vw, 2rem) 2rem; border-radius: 0.75rem;
  border: 1px solid light-dark(#d8dee4, #30363d); background: light-dark(#fff, #161b22); }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.3; }
h2 { margin: 1.75rem 0 0.25rem; font-size: 1rem; color: light-dark(#59636e, #9198a1); }
p { margin: 0.25rem 0; }
code { padding: 0.1em 0.35em; border-radius: 0.3em; font-size: 0.9em;
  background: light-dark(#eff2f5, #262c36); }
.type { color: light-dark(#59636e, #9198a1); }
footer { margin-top: 2rem; padding-top: 1rem; border-top: 1px solid light-dark(#d8dee4, #30363d); }
a { color: light-dark(#0550ae, #79b8ff); }
`;

const PROBLEM_POLICY = toPolicy(allowStyle(STYLE), "img-src data:");

function toProblemPages(hasDocs: boolean): [path: string, page: Asset][] {
  return Object.values(PROBLEM_TYPES).map((type) => {
    const page = toAsset(toProblemPage(type, hasDocs), "text/html", { policy: PROBLEM_POLICY });
    return [`/problems/${type.name}`, page];
  });
}

/** `hasDocs`: whether the contract is on the same port. */
function toProblemPage(type: ProblemType, hasDocs: boolean): string {
  const { name, status, title, happened, actor, advice } = type;
  const contract = hasDocs
    ? `<a href="../docs">The contract</a> lists the problems of each request. `
    : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} (${name})</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="type"><code>${name}</code> · status ${status}</p>
<h2>What happened</h2>
<p>${toHtml(happened)}</p>
<h2>Who needs to act</h2>
<p>${capitalized(actor)}.</p>
<h2>What to try</h2>
<p>${toHtml(advice)}</p>
<footer>${contract}The operator can find a request in the log by its <code>request_id</code>.</footer>
</main>
</body>
</html>
`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Text between backticks is code. */
function toHtml(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}
