/**
 * The page that a problem's `type` leads to: what happened, who needs to act, what to try.
 */

import { createHash } from "node:crypto";
import type { ProblemType } from "./problem-types.ts";

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

/** `hasDocs`: whether the contract is on the same port. */
export function toProblemPage(
  type: ProblemType,
  hasDocs: boolean,
): { html: string; policy: string } {
  const { name, status, title, happened, actor, advice } = type;
  const contract = hasDocs
    ? `<a href="../docs">The contract</a> lists the problems of each request. `
    : "";
  const html = `<!doctype html>
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
  return { html, policy: POLICY };
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
