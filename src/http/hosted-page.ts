/**
 * The page for phones, from packages/embed: it frames the widget whose URL an app has put into the fragment.
 *
 * Sources: Content Security Policy Level 3; HTML Standard, Cross-Origin-Opener-Policy.
 */

import { readFileSync } from "node:fs";
import { type Asset, allowStyle, escapeHtml, toAsset, toPolicy } from "./assets.ts";

export type HostedPage = {
  /** The partner's, as users know it. */
  name: string;
  /** Where it may go at its end. */
  redirects: readonly string[];
  /** Origins of the widgets that it may frame. */
  frameOrigins: readonly string[];
};

export const HOSTED_PATHS = ["/hosted", "/hosted.js"];

export function readEmbed(name: string): string {
  return readFileSync(new URL(`../../packages/embed/${name}`, import.meta.url), "utf8");
}

/** The page makes no requests. Trusted Types: no text becomes markup or code. */
export function toHostedPage(page: HostedPage): [path: string, asset: Asset][] {
  const template = readEmbed("hosted.html");
  const html = template.replace(/__NAME__|"__SETTINGS__"/g, (placeholder) =>
    placeholder === "__NAME__" ? escapeHtml(page.name) : toScriptData(page),
  );
  const [, style = ""] = /<style>(.*?)<\/style>/s.exec(template) ?? [];
  const policy = toPolicy(
    "script-src 'self'",
    allowStyle(style),
    "img-src data:",
    `frame-src ${page.frameOrigins.join(" ")}`,
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  );
  /** The page's opener cannot access it, while the widget can still open the bank's window and get its messages. */
  const openerPolicy = "same-origin-allow-popups";
  return [
    ["/hosted", toAsset(html, "text/html", { policy, openerPolicy })],
    ["/hosted.js", toAsset(readEmbed("hosted.js"), "text/javascript")],
  ];
}

/** `<` could end the element. */
function toScriptData(data: object): string {
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}
