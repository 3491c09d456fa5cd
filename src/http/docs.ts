/**
 * What the service says about itself: the contract, and a page for each problem type.
 */

import { readFileSync } from "node:fs";
import { type Response, Router } from "express";
import { AppError } from "../errors.ts";
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
    res.type("html").set("Cache-Control", "public, max-age=300").send(page);
  });

  const refuseOtherMethods = (_req: unknown, res: Response) => refuseMethod(res, "GET, HEAD");
  router.all("/openapi.yaml", refuseOtherMethods);
  router.all("/problems/:name", refuseOtherMethods);

  return router;
}

function toPage({ name, status, title, happened, actor, advice }: ProblemType): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${title} (${name})</title>
<h1>${title}</h1>
<p><code>${name}</code>, status ${status}</p>
<h2>What happened</h2>
<p>${toHtml(happened)}</p>
<h2>Who has to act</h2>
<p>${actor}</p>
<h2>What to try</h2>
<p>${toHtml(advice)}</p>
</html>
`;
}

function toHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replace(/`([^`]+)`/g, "<code>$1</code>");
}
