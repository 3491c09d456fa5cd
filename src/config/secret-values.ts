/** The types of secrets: what is long enough to be one, and what is only a placeholder for one. */

import * as z from "zod";
import { createSecret } from "../secret.ts";
import { VALUE_TYPES, word } from "./values.ts";

/** HMAC keys of our own making: long, and not a few characters or one word again and again. */
export const strongSecret = z
  .string()
  .min(32, "must have at least 32 characters; for example from: openssl rand -base64 48")
  .max(4096, "is too long")
  .refine(
    (given) => new Set(given).size >= 10 && !/^(.{1,12}?)\1+.{0,11}$/s.test(given),
    "can be guessed; make one with: openssl rand -base64 48",
  )
  .transform(createSecret)
  .register(VALUE_TYPES, { form: "a secret of at least 32 characters" });

/** What documents, templates and faulty programs have in place of a key. */
const PLACEHOLDER =
  /^(<.*>|\{\{.*\}\}|\$\{.*\}|[.…*]+|x{3,}|(change|replace)[ _-]?(me|this|it)|your[ _-].*|placeholder|todo|null|undefined)$/i;

const isReal = (given: string) => !PLACEHOLDER.test(given.trim());

export const secret = z
  .string()
  .regex(/^[^\p{Cc}]{1,4096}$/u, "must be one line")
  .refine((given) => given.trim() !== "", "must not be blank")
  .refine(isReal, "is a placeholder; set the real value")
  .transform(createSecret)
  .register(VALUE_TYPES, { form: "a secret" });

/** A bearer token of our own making, which opens every user's credentials. */
export const ownToken = word
  .min(12, "must have at least 12 characters; for example from: openssl rand -base64 48")
  .refine(
    (given) => isReal(given) && new Set(given).size >= 6,
    "can be guessed; make one with: openssl rand -base64 48",
  )
  .transform(createSecret)
  .register(VALUE_TYPES, { form: "a secret of at least 12 characters" });
