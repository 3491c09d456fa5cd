/**
 * The member whose bank login is under way, kept for the case that the browser drops this page meanwhile.
 *
 * A phone may evict the tab while the user is at the bank. The page that is loaded again opens Connect at this member.
 * The browser copies the storage into windows that the page opens, so an entry counts only for the same user, and where
 * the token does not say who that is, for ten minutes.
 */

import type { ReadMessage } from "./messages.ts";
import { isWithin } from "./time.ts";

const KEY = "mx-widget:member:";
const MAX_AGE_MS = 600_000;

useStorage((storage) => storage.length); // The first access takes milliseconds, which no press should wait for.

type Kept = [guid: string, user: string, at: number];

/** After these the user is no longer at the bank. */
const ENDS =
  /\/(oauthError|member(Connected|Error|Deleted)|connected\/primaryAction|createMemberError|backToSearch)$/;

/** `user` is empty if the token does not name one. Anything of the page may have written to the storage. */
export function findMember(user: string, widgetType: string): string | undefined {
  const kept = useStorage((storage) =>
    Array.from(JSON.parse(storage.getItem(KEY + widgetType) ?? "[]")),
  );
  const [guid, owner, at] = (kept ?? []) as Partial<Kept>;
  if (owner === user && (user || isWithin(MAX_AGE_MS, at ?? 0))) return guid;
  forgetMember(widgetType);
  return undefined;
}

export function forgetMember(widgetType: string): void {
  useStorage((storage) => storage.removeItem(KEY + widgetType));
}

/** Keeps or forgets, as a message says. */
export function followMember(
  { type, metadata }: ReadMessage,
  user: string,
  widgetType: string,
): void {
  const guid = metadata.member_guid;
  if (type === "mx/connect/oauthRequested" && typeof guid === "string") {
    const kept: Kept = [guid, user, Date.now()];
    useStorage((storage) => storage.setItem(KEY + widgetType, JSON.stringify(kept)));
  } else if (ENDS.test(type)) forgetMember(widgetType);
}

/** Where a browser allows no storage, an evicted page starts from the beginning. */
function useStorage<T>(use: (storage: Storage) => T): T | undefined {
  try {
    return use(sessionStorage);
  } catch {
    return undefined;
  }
}

/** The subject of a JWT; empty for any other token. Only to tell users apart: nothing is verified here. */
export function readUser(token: string): string {
  try {
    const [, payload = ""] = token.split(".");
    const { sub } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return String(sub ?? "");
  } catch {
    return "";
  }
}
