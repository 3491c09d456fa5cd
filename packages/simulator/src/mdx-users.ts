/**
 * Users of MDX Real Time. A field beyond its limit is a 422; a body without its root a 400 (assumed).
 *
 * Source: MX MDX, User fields.
 */

import { z } from "zod";
import { deviates } from "./deviations.ts";
import { createKnownUsers } from "./known-users.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { SimulatedUser, SimulatorState } from "./state.ts";
import { type Handle, vendorError } from "./vendor-api.ts";

const Fields = z
  .strictObject({
    email: z.string().max(100),
    first_name: z.string().max(50),
    last_name: z.string().max(50),
    phone: z.string().max(15),
    birthdate: z.iso.date(),
    gender: z.enum(["MALE", "FEMALE"]),
    credit_score: z.int(),
    zip_code: z.string().max(15),
    metadata: z.string(),
    is_disabled: z.boolean(),
  })
  .partial();
const NewUser = Fields.extend({ id: z.string().regex(/^[A-Za-z0-9_-]{1,1024}$/) });
const Rooted = z.object({ user: z.looseObject({}) });

export function createMdxUsers(
  state: SimulatorState,
  settings: SimulatorSettings,
  isShown: (user: SimulatedUser) => boolean,
): Record<"create" | "read" | "update" | "delete", Handle> {
  const known = createKnownUsers(state, settings);
  /** By the partner's id alone. */
  const find = (id: string) => {
    const user = known.find(id);
    return user && user.guid !== id && isShown(user) ? user : undefined;
  };

  return {
    create({ body }) {
      const rooted = Rooted.safeParse(body);
      if (!rooted.success) return vendorError(400);
      const given = NewUser.safeParse(rooted.data.user);
      if (!given.success) return vendorError(422);
      const { id, email = null, metadata = null, is_disabled = false, ...profile } = given.data;
      if (profile.credit_score !== undefined && deviates(settings, "mdx-profile-refused"))
        return vendorError(422);
      if (known.isTooLong(id)) return vendorError(422);
      if (known.isTaken(id))
        return vendorError(deviates(settings, "mdx-user-conflict") ? 422 : 409);
      const user = state.createUser({
        id,
        email,
        metadata,
        isDisabled: is_disabled,
        profile: toProfile(profile),
        madeBy: "mdx",
      });
      return { status: 200, body: show(user) };
    },

    read({ id }) {
      if (known.isTooLong(id)) return vendorError(422);
      const user = find(id);
      return user ? { status: 200, body: show(user) } : vendorError(404);
    },

    update({ id, body }) {
      const user = find(id);
      if (!user) return vendorError(404);
      const rooted = Rooted.safeParse(body);
      if (!rooted.success) return vendorError(400);
      const given = Fields.safeParse(rooted.data.user);
      if (!given.success) return vendorError(422);
      const { email, metadata, is_disabled, ...profile } = given.data;
      user.email = email ?? user.email;
      user.metadata = metadata ?? user.metadata;
      user.isDisabled = is_disabled ?? user.isDisabled;
      user.profile = { ...user.profile, ...toProfile(profile) };
      return { status: 200, body: show(user) };
    },

    delete({ id }) {
      const user = find(id);
      if (!user) return vendorError(404);
      state.deleteUser(user, { keepMembers: deviates(settings, "members-outlive-users") });
      return { status: 204 };
    },
  };
}

/** What the SSO API calls `sex` is called `gender` here. */
function toProfile({
  gender,
  ...profile
}: Omit<z.infer<typeof Fields>, "email" | "metadata" | "is_disabled">) {
  return { ...profile, ...(gender && { sex: gender }) };
}

function show({ id, guid, email, metadata, isDisabled, profile }: SimulatedUser): object {
  const { sex, ...fields } = profile;
  return {
    user: {
      id,
      guid,
      birthdate: null,
      credit_score: null,
      email,
      first_name: null,
      last_name: null,
      gender: sex ?? null,
      is_disabled: isDisabled,
      logged_in_at: null,
      metadata,
      phone: null,
      zip_code: null,
      ...fields,
    },
  };
}
