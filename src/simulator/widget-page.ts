/**
 * The page behind a widget URL: what was asked for, the message that says it has loaded, and Connect's "Done".
 *
 * Anyone may embed it: there is no X-Frame-Options and no `frame-ancestors`. It runs one script and one style, allowed
 * by their hashes. Source: MX, Widget events (messages, version 4); connect-widget, PostMessage (target origin).
 */

import { createHash } from "node:crypto";

export type WidgetPage = {
  readonly widgetType: string;
  readonly userGuid: string;
  /** The partner's id. */
  readonly userId: string | null;
  readonly language: string | undefined;
  readonly options: Readonly<Record<string, unknown>>;
};

export function renderWidgetPage(page: WidgetPage): string {
  const { widgetType, userGuid, userId, language, options } = page;
  const facts = {
    widget: widgetType,
    user: userId ?? userGuid,
    language: language ?? "not asked for",
    options: JSON.stringify(options, undefined, 2),
  };
  const list = Object.entries(facts).map(
    ([name, fact]) => `<dt>${name}</dt><dd>${escapeHtml(fact)}</dd>`,
  );
  const done = widgetType === "connect_widget" ? '<button type="button">Done</button>' : "";
  return renderPage({
    title: toTitle(widgetType),
    colorScheme: toColorScheme(options.color_scheme),
    userGuid,
    main: `<p>This is a simulated MX widget.</p>
<dl>${list.join("\n")}</dl>
${done}`,
  });
}

/** MX does not document what a spent URL shows. */
export function renderExpiredPage(): string {
  return renderPage({
    title: "This link has expired",
    colorScheme: "light dark",
    main: "<p>A widget URL opens once, and within ten minutes. Ask for a new one.</p>",
  });
}

/**
 * Messages go to the page around the widget: to the origin that the browser names as its referrer, to nobody if it
 * names none. That is what MX's widgets do.
 */
const SCRIPT = `
  const userGuid = document.documentElement.dataset.userGuid;
  const sessionGuid = "SES-" + Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("-");

  function tell(type, metadata) {
    if (window.parent === window || !document.referrer) return;
    window.parent.postMessage({ mx: true, type, metadata }, new URL(document.referrer).origin);
  }

  if (userGuid) tell("mx/load", {});
  document.querySelector("button")?.addEventListener("click", () => {
    tell("mx/connect/connected/primaryAction", { user_guid: userGuid, session_guid: sessionGuid });
  });
`;

const STYLE = `
  :root[data-color-scheme="light"] { color-scheme: light; }
  :root[data-color-scheme="dark"] { color-scheme: dark; }
  :root[data-color-scheme="light dark"] { color-scheme: light dark; }
  body {
    margin: 0; min-height: 100vh; display: grid; place-items: center;
    font: 16px/1.5 system-ui, sans-serif;
    color: light-dark(#1f2933, #e6e9ee); background: light-dark(#f4f6f9, #14181d);
  }
  main {
    box-sizing: border-box; width: min(100% - 2rem, 24rem); margin: 1rem; padding: 1.5rem;
    border-radius: 12px; background: light-dark(#fff, #1f252d);
    box-shadow: 0 1px 4px rgb(0 0 0 / 20%);
  }
  h1 { margin: 0; font-size: 1.25rem; }
  dt { margin-top: 0.75rem; font-size: 0.75rem; opacity: 0.7; }
  dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  button {
    width: 100%; margin-top: 1.5rem; padding: 0.75rem; font: inherit;
    color: #fff; background: #2456c7; border: 0; border-radius: 8px; cursor: pointer;
  }
`;

export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `script-src '${hashOf(SCRIPT)}'`,
  `style-src '${hashOf(STYLE)}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

type Page = { title: string; colorScheme: string; userGuid?: string; main: string };

function renderPage({ title, colorScheme, userGuid = "", main }: Page): string {
  return `<!doctype html>
<html lang="en" data-color-scheme="${colorScheme}" data-user-guid="${userGuid}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${main}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** "mini_budgets_widget": Mini budgets. */
function toTitle(widgetType: string): string {
  const words = widgetType.replace(/_widget$/, "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** As CSS names it. MX's default is light. */
function toColorScheme(option: unknown): string {
  if (option === "dark") return "dark";
  return option === "browser" ? "light dark" : "light";
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function hashOf(source: string): string {
  return `sha256-${createHash("sha256").update(source).digest("base64")}`;
}
