/** The types of variables about what MX learns of a user. */

import * as z from "zod";
import { isTemplate } from "../session/member.ts";
import { PROFILE_FIELDS, type ProfileField, type ProfileRule } from "../session/profile.ts";
import { parseJson } from "../text.ts";
import { JSON_LIST, split, VALUE_TYPES } from "./values.ts";

const ALL = [...PROFILE_FIELDS, "metadata"] as const;

const FIELDS_FORM = `all, none, or a list of ${ALL.join(", ")}`;

export const profileFields = z
  .string()
  .transform((given, context): ProfileRule["fields"] => {
    if (given === "none") return [];
    const names = split.parse(given);
    const fields = given === "all" ? ALL : ALL.filter((field) => names.includes(field));
    const isKnown = names.every((name) => ALL.some((field) => field === name));
    if (given === "all" || (isKnown && fields.length > 0)) return fields;
    context.addIssue(`must be ${FIELDS_FORM}`);
    return z.NEVER;
  })
  .register(VALUE_TYPES, { form: FIELDS_FORM, json: JSON_LIST });

const ProfileClaims = z.partialRecord(z.enum(PROFILE_FIELDS), z.string().min(1).max(255));

/** A JSON object: MX's field -> the claim. */
export const profileClaims = z
  .string()
  .transform((given, context): Partial<Record<ProfileField, string>> => {
    const parsed = ProfileClaims.safeParse(parseJson(given));
    if (parsed.success) return parsed.data;
    context.addIssue(
      `must be a JSON object from ${PROFILE_FIELDS.join(", ")} to the names of claims, such as {"credit_score":"fico"}`,
    );
    return z.NEVER;
  })
  .register(VALUE_TYPES, {
    form: "a JSON object from MX's fields to names of claims",
    json: ProfileClaims,
  });

export const memberIdTemplate = z
  .string()
  .refine(
    isTemplate,
    "must contain {user_id} once, otherwise only letters, digits, - and _, and must not begin with MBR-, which MX reserves",
  )
  .register(VALUE_TYPES, { form: "text with `{user_id}` in it" });
