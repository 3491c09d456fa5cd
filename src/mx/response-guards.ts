/**
 * Checks that every answer of MX has to pass before anything of it is used.
 */

import * as z from "zod";
import type { AppError, UpstreamReason } from "../errors.ts";
import type { WidgetUrl } from "../session/types.ts";
import { isLoopback } from "../upstream/upstream-url.ts";
import type { Answer, GoodAnswer } from "./call.ts";
import { toAppError, toInvalid } from "./outcome.ts";

/** Source: MX Platform API, Request widget URL: "expires after ten minutes or upon first use". */
const URL_LIFETIME_MS = 10 * 60 * 1000;
const MAX_URL_LENGTH = 4096;

/** MX's own ids are put into paths, so they have to look like it. */
export const UserGuid = z.string().regex(/^USR-[A-Za-z0-9_-]{1,255}$/);

/** The answer as `schema` sees it. Throws `upstream_bad_response` where the shape is wrong. */
export function read<Schema extends z.ZodType>(
  schema: Schema,
  answer: GoodAnswer,
): z.infer<Schema> {
  const parsed = schema.safeParse(answer.body);
  if (!parsed.success) throw unusable(answer, "schema");
  return parsed.data;
}

/** Throws what fits the outcome of any other answer. */
export function requireGood(answer: Answer): GoodAnswer {
  if (answer.outcome === "ok") return answer;
  throw toAppError(answer);
}

/** Where an answer names a user, it must be this one: a mixed-up answer opens somebody else's accounts. */
export function refuseOtherUser(answer: GoodAnswer, named: unknown, own: string | undefined): void {
  if (named === undefined || named === null || own === undefined || named === own) return;
  answer.discard?.(); // It may have been meant for the request before, on the same connection.
  throw unusable(answer, "other_user");
}

export function unusable(answer: GoodAnswer, reason: UpstreamReason): AppError {
  return toAppError(toInvalid(answer, reason));
}

export type UrlRule = {
  /** On loopback, for an MX that is itself plain http there: the simulator. */
  allowHttp: boolean;
  /** Empty: any. */
  origins: readonly string[];
};

/** `undefined` where the URL cannot be used. It is passed on byte for byte and not looked into further. */
export function toWidgetUrl(
  rule: UrlRule,
  type: string,
  url: unknown,
  sentAt: Date,
): WidgetUrl | undefined {
  if (
    typeof url !== "string" ||
    url.length > MAX_URL_LENGTH ||
    !/^https?:\/\/[\x21-\x7e]+$/.test(url)
  )
    return undefined;
  if (!URL.canParse(url)) return undefined;
  const { protocol, origin, hostname } = new URL(url);
  if (protocol !== "https:" && !(rule.allowHttp && isLoopback(hostname))) return undefined;
  if (rule.origins.length > 0 && !rule.origins.includes(origin)) return undefined;
  return { type, url, expiresAt: new Date(sentAt.getTime() + URL_LIFETIME_MS) };
}
