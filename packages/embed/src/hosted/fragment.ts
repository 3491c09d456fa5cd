/**
 * What an app asks the page for, in the fragment: base64url of JSON. Anybody can write one, so nothing of it is trusted,
 * and no part of it is shown.
 */

/** Of the deployment. */
export type Settings = {
  /** The partner's, as users know it. */
  name: string;
  /** Where the page may go at its end, as `new URL(...).href` writes them. */
  redirects: readonly string[];
  /** Origins of the widgets that it may frame. */
  frameOrigins: readonly string[];
};

/** Survives a reload, unlike the URL of the widget. */
export type Surroundings = {
  /** One of the listed ones; empty if it is not, or missing. */
  redirect: string;
  /** A language tag; the browser's if empty. */
  language: string;
  colorScheme: "light" | "dark" | "browser";
};

export type Asked = Surroundings & {
  /** Of the widget; empty if there is a problem. */
  url: string;
  /** What the app's developer has to change; empty if nothing. */
  problem: string;
};

const MAX_URL_CHARACTERS = 4096;
const NAMES = ["url", "redirect", "language", "color_scheme"];
const LANGUAGE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/;
const COLOR_SCHEMES = ["light", "dark", "browser"] as const;

/** `fragment`: without the `#`. */
export function readFragment(fragment: string, settings: Settings): Asked {
  const members = decode(fragment);
  const surroundings = readSurroundings(members ?? {}, settings);
  const problem = members ? findProblem(members, surroundings, settings) : NOT_JSON;
  return { ...surroundings, problem, url: problem ? "" : String(members?.url) };
}

/** Of what is not known, the defaults. */
export function readSurroundings(
  { redirect, language, color_scheme: asked }: Record<string, unknown>,
  { redirects }: Settings,
): Surroundings {
  const normal = normalize(redirect);
  return {
    redirect: redirects.find((listed) => listed === normal) ?? "",
    language: typeof language === "string" && LANGUAGE.test(language) ? language : "",
    colorScheme: COLOR_SCHEMES.find((scheme) => scheme === asked) ?? "browser",
  };
}

/** The listed link, and besides what is in it the result alone. */
export function toTarget(redirect: string, status: string, memberGuid = ""): string {
  const target = new URL(redirect);
  target.searchParams.delete("member_guid");
  target.searchParams.set("status", status);
  if (memberGuid) target.searchParams.set("member_guid", memberGuid);
  return target.href;
}

const NOT_JSON = "The fragment must be the base64url form of a JSON object.";

function findProblem(
  members: Record<string, unknown>,
  { redirect, language }: Surroundings,
  { frameOrigins }: Settings,
): string {
  const { url, color_scheme: asked } = members;
  const normal = normalize(url);
  if (!redirect) return "redirect is missing, or not listed in CLIENT_REDIRECT_URLS.";
  if (!normal || String(url).length > MAX_URL_CHARACTERS)
    return "url must be the URL that POST /session has answered with, unchanged.";
  if (!frameOrigins.some((origin) => normal.startsWith(`${origin}/`)))
    return "The origin of url is not one of WIDGET_URL_ORIGINS or, where that is empty, of MX's hosts.";
  if (Object.keys(members).some((name) => !NAMES.includes(name)))
    return `The fragment may have these members only: ${NAMES.join(", ")}.`;
  if (members.language !== undefined && !language)
    return "language must be a language tag such as es or fr-CA.";
  if (asked !== undefined && !COLOR_SCHEMES.some((scheme) => scheme === asked))
    return "color_scheme must be light, dark or browser.";
  return "";
}

/**
 * As a browser would read it; empty for what is no URL, has a user name in it, or holds anything that `URL` drops or turns
 * without a word (white space, control characters, `\`).
 */
function normalize(text: unknown): string {
  if (typeof text !== "string" || !/^[\x21-\x5b\x5d-\x7e]+$/.test(text) || !URL.canParse(text))
    return "";
  const { href, username, password } = new URL(text);
  return username || password ? "" : href;
}

/** `undefined` for what is not the form of a JSON object. Padding makes no difference. */
function decode(fragment: string): Record<string, unknown> | undefined {
  try {
    const bytes = atob(fragment.replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)),
    );
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined;
  } catch {
    return undefined;
  }
}
