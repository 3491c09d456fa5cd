/**
 * Users and Members that are there from the start, or are added by hand: what a partner already has at MX.
 */

import { z } from "zod";
import type { SimulatorState } from "./state.ts";

const id = z.string().min(1).max(1024);

const SeedMember = z.strictObject({
  /** The partner's id: `external_member_guid` of the SSO API. */
  id: id.nullable().default(null),
  /** MX's own id, `MBR-…`. Default: a random one. */
  guid: z.string().startsWith("MBR-").optional(),
  credentials: z
    .array(z.strictObject({ field_name: z.string(), response: z.string() }))
    .default([]),
});

const SeedUser = z.strictObject({
  /** The partner's id: `external_user_guid` of the SSO API, `id` of the Platform API. */
  id: id.nullable().default(null),
  /** MX's own id, `USR-…`. Default: a random one. */
  guid: z.string().startsWith("USR-").optional(),
  email: z.string().nullable().default(null),
  isDisabled: z.boolean().default(false),
  metadata: z.string().nullable().default(null),
  profile: z
    .strictObject({
      first_name: z.string(),
      last_name: z.string(),
      phone: z.string(),
      birthdate: z.string(),
      sex: z.enum(["MALE", "FEMALE"]),
      credit_score: z.int(),
      zip_code: z.string(),
    })
    .partial()
    .default({}),
  members: z.array(SeedMember).default([]),
});

export const Seed = z.strictObject({ users: z.array(SeedUser) });

/** What may be given: everything but `users` has a default. */
export type Seed = z.input<typeof Seed>;

/** Adds them. Throws a `ZodError` where the shape is wrong, and an `Error` where an id or a guid is taken. */
export function applySeed(state: SimulatorState, seed: unknown): void {
  for (const { members, guid, ...user } of Seed.parse(seed).users) {
    if (guid !== undefined && state.findUser(guid)) throw new Error(`${guid} exists`);
    const { guid: userGuid } = state.createUser({ ...user, ...(guid !== undefined && { guid }) });
    for (const { guid: memberGuid, ...member } of members) {
      if (memberGuid !== undefined && state.findMember(memberGuid))
        throw new Error(`${memberGuid} exists`);
      state.createMember({
        ...member,
        userGuid,
        ...(memberGuid !== undefined && { guid: memberGuid }),
      });
    }
  }
}
