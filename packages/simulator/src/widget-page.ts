/**
 * The pages on the widgets' origin: a widget, a spent URL, a bank's own login, a native app's shell.
 *
 * Anyone may embed them: there is no X-Frame-Options and no `frame-ancestors`. What they do is in `widget/`.
 */

export type WidgetPage = {
  readonly widgetType: string;
  readonly userGuid: string;
  /** The partner's id. */
  readonly userId: string | null;
  /** A language tag or an `Accept-Language`. */
  readonly language: string | undefined;
  readonly options: Readonly<Record<string, unknown>>;
};

export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src data:", // The empty icon.
  "frame-src 'self'", // The shell's WebView.
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export function renderWidgetPage(page: WidgetPage): string {
  const { widgetType, userGuid, userId, options } = page;
  const language = pickLanguage(page.language);
  const facts = {
    widget: widgetType,
    user: userId ?? userGuid,
    language: page.language ?? "not asked for",
    options: JSON.stringify(options, undefined, 2),
  };
  const list = Object.entries(facts).map(
    ([name, fact]) => `<dt>${name}</dt><dd>${escapeHtml(fact)}</dd>`,
  );
  const asked = JSON.stringify({ widgetType, userGuid, language, options });
  return renderPage({
    title: toTitle(widgetType),
    language,
    colorScheme: toColorScheme(options.color_scheme),
    script: "main.js",
    body: `<main id="widget"><p role="status">Loading …</p></main>
<footer lang="en">
<details><summary>This is a simulated MX widget</summary><dl id="facts">
${list.join("\n")}
</dl></details>
</footer>
<script type="application/json" id="asked">${asked.replaceAll("<", "\\u003c")}</script>`,
  });
}

/** MX does not document what a spent URL shows. */
export function renderExpiredPage(): string {
  return renderPage({
    title: "This link has expired",
    colorScheme: "light dark",
    body: `<main>
<h1>This link has expired</h1>
<p>A widget URL opens once, and within ten minutes. Ask for a new one.</p>
</main>`,
  });
}

/** Where the OAuth bank asks its customer. */
export function renderBankPage(): string {
  return renderPage({
    title: "Bank login",
    colorScheme: "light dark",
    script: "bank.js",
    body: `<main>
<h1 id="bank">Bank</h1>
<p>You are at the bank's own page, simulated. May MX read your accounts?</p>
<button type="button" class="primary">Allow</button>
<button type="button" data-reason="CANCELLED">Cancel</button>
<button type="button" data-reason="PROVIDER_ERROR">Simulate an error at the bank</button>
<p id="after" role="status" hidden>You can close this window.</p>
</main>`,
  });
}

/** What an app's WebView does, for a page that wants to watch it. */
export function renderShellPage(): string {
  return renderPage({
    title: "A native app's shell",
    colorScheme: "light dark",
    script: "shell.js",
    bodyClass: "shell",
    body: `<iframe id="webview" title="WebView"></iframe>
<section id="browser" class="sheet" aria-label="The device's browser" hidden>
<header>The device's browser <button type="button" id="close-browser">Close</button></header>
</section>`,
  });
}

type Page = {
  title: string;
  language?: string;
  colorScheme: string;
  script?: string;
  bodyClass?: string;
  body: string;
};

function renderPage({
  title,
  language = "en",
  colorScheme,
  script,
  bodyClass,
  body,
}: Page): string {
  return `<!doctype html>
<html lang="${language}" data-color-scheme="${colorScheme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/widget/widget.css">
${script ? `<script type="module" src="/widget/${script}"></script>` : ""}
</head>
<body${bodyClass ? ` class="${bodyClass}"` : ""}>
${body}
</body>
</html>
`;
}

const LANGUAGES = ["en", "es", "fr"];

/** The first one that the widget speaks; quality values are taken to be in order. Else English. */
function pickLanguage(asked = ""): string {
  const wanted = asked.split(",").map((tag) => tag.trim().slice(0, 2).toLowerCase());
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? "en";
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
