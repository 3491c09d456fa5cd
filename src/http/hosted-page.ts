/**
 * The page for phones, from packages/embed: it frames the widget whose URL an app has put into the fragment.
 *
 * Sources: Content Security Policy Level 3; HTML Standard, Cross-Origin-Opener-Policy.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Asset, toAsset } from "./assets.ts";

export type HostedPage = {
  /** The partner's, as users know it. */
  name: string;
  /** Where it may go at its end. */
  redirects: readonly string[];
  /** Origins of the widgets that it may frame. */
  frameOrigins: readonly string[];
};

export const HOSTED_PATHS = ["/hosted", "/hosted.js"];

/** The page's opener cannot access it, while the widget can still open the bank's window and get its messages. */
const OPENER_POLICY = "same-origin-allow-popups";

export function toHostedPage(page: HostedPage): [path: string, asset: Asset][] {
  const read = (name: string) =>
    readFileSync(new URL(`../../packages/embed/${name}`, import.meta.url), "utf8");
  const template = read("hosted.html");
  const html = template.replace(/__NAME__|"__SETTINGS__"/g, (placeholder) =>
    placeholder === "__NAME__" ? toHtml(page.name) : toScriptData(page),
  );
  const options = { policy: toPolicy(template, page), openerPolicy: OPENER_POLICY };
  return [
    ["/hosted", toAsset(html, "text/html", options)],
    ["/hosted.js", toAsset(read("hosted.js"), "text/javascript")],
  ];
}

/** The page makes no requests. Trusted Types: no text becomes markup or code. */
function toPolicy(template: string, { frameOrigins }: HostedPage): string {
  const [, style = ""] = /<style>(.*?)<\/style>/s.exec(template) ?? [];
  const styleHash = createHash("sha256").update(style).digest("base64");
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'sha256-${styleHash}'`,
    "img-src data:",
    `frame-src ${frameOrigins.join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

/** `<` could end the element. */
function toScriptData(data: object): string {
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}

function toHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
