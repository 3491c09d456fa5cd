/**
 * What the service says about itself: the contract, to read and to browse, and a page for each problem type.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Response, Router } from "express";
import { AppError } from "../errors.ts";
import { createDocsPage } from "./docs-page.ts";
import { refuseMethod } from "./problem.ts";
import { PROBLEM_TYPES, type ProblemType } from "./problem-types.ts";

export function createDocsRouter(): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const contract = readFileSync(new URL("../../openapi.yaml", import.meta.url));
  const pages = new Map(Object.values(PROBLEM_TYPES).map((type) => [type.name, toPage(type)]));

  router.get("/openapi.yaml", (_req, res) => {
    res.type("application/yaml").set("Cache-Control", "public, max-age=300").send(contract);
  });

  router.get("/problems/:name", (req, res) => {
    const page = pages.get(req.params.name);
    if (!page) throw new AppError("not_found", "There is no such problem type.");
    res.set({ "Cache-Control": "public, max-age=300", "Content-Security-Policy": POLICY });
    res.type("html").send(page);
  });

  const refuseOtherMethods = (_req: unknown, res: Response) => refuseMethod(res, "GET, HEAD");
  router.all("/openapi.yaml", refuseOtherMethods);
  router.all("/problems/:name", refuseOtherMethods);
  router.use(createDocsPage());

  return router;
}

const STYLE = `
:root { color-scheme: light dark; }
body { margin: 0; padding: 2rem 1rem; font: 1rem/1.6 system-ui, sans-serif;
  background: light-dark(#f6f8fa, #0d1117); color: light-dark(#1f2328, #e6edf3); }
main { max-width: 40rem; margin: 0 auto; padding: 1.5rem 2rem 2rem; border-radius: 0.75rem;
  border: 1px solid light-dark(#d8dee4, #30363d); background: light-dark(#fff, #161b22); }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.3; }
h2 { margin: 1.75rem 0 0.25rem; font-size: 1rem; color: light-dark(#59636e, #9198a1); }
p { margin: 0.25rem 0; }
code { padding: 0.1em 0.35em; border-radius: 0.3em; font-size: 0.9em; overflow-wrap: anywhere;
  background: light-dark(#eff2f5, #262c36); }
.type { color: light-dark(#59636e, #9198a1); }
footer { margin-top: 2rem; padding-top: 1rem; border-top: 1px solid light-dark(#d8dee4, #30363d); }
a { color: light-dark(#0550ae, #79b8ff); }
`;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

function toPage({ name, status, title, happened, actor, advice }: ProblemType): string {
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
<p class="type"><code>/problems/${name}</code> · status ${status}</p>
<h2>What happened</h2>
<p>${toHtml(happened)}</p>
<h2>Who has to act</h2>
<p>${capitalized(actor)}.</p>
<h2>What to try</h2>
<p>${toHtml(advice)}</p>
<footer><a href="/docs">The contract</a> has every problem of each request. With the <code>request_id</code> of an answer the operator finds its line in the log.</footer>
</main>
</body>
</html>
`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function toHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replace(/`([^`]+)`/g, "<code>$1</code>");
}
