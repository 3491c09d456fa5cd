/**
 * Members of the SSO API v2: a User's connection to the partner's own bank, opened with credentials.
 *
 * Source: MX SSO API v2, Create member, and the Guide for the update.
 */

import { z } from "zod";
import type { Answer } from "./answer.ts";
import { deviates } from "./deviations.ts";
import type { ApiRequest } from "./serve.ts";
import type { SimulatorSettings } from "./settings.ts";
import {
  invalidMemberId,
  memberNotFound,
  ssoError,
  ssoFailure,
  userNotFound,
} from "./sso-errors.ts";
import type { MemberCredential, SimulatedMember, SimulatorState } from "./state.ts";

export type SsoMembers = Record<
  "read" | "create" | "update" | "delete",
  (request: ApiRequest) => Answer
>;

export function createSsoMembers(options: {
  state: SimulatorState;
  settings: SimulatorSettings;
}): SsoMembers {
  const { state, settings } = options;

  return {
    read({ id }) {
      if (deviates(settings, "member-path")) return ssoFailure(404);
      if (isTooLong(id)) return invalidMemberId();
      const member = state.findMember(id);
      return member ? { status: 200, body: show(member) } : memberNotFound();
    },

    create({ body }) {
      const given = NewMember.safeParse(body);
      if (!given.success) return ssoError(400, "Create member failed: a field is not valid.");
      const { external_member_guid: id = null, credentials } = given.data;
      if (hasLogin(credentials))
        return ssoError(400, "Create member failed: a field is not valid.");
      const owner = state.findUser(ownerOf(body));
      if (!owner) return userNotFound(ownerOf(body));
      if (id === "" || id?.startsWith("MBR-") || isTooLong(id)) return invalidMemberId();
      if (id !== null && state.findMember(id)) return memberExists(id);
      const member = state.createMember({ id, userGuid: owner.guid, credentials });
      return { status: 200, body: show(member) };
    },

    update({ id, body }) {
      if (deviates(settings, "member-update-path")) return ssoFailure(404);
      const member = state.findMember(id);
      if (!member) return memberNotFound();
      const given = MemberUpdate.safeParse(body);
      if (!given.success || hasLogin(given.data.credentials))
        return ssoError(400, "Update member failed: a field is not valid.");
      member.credentials = given.data.credentials;
      member.timesUpdated += 1;
      return { status: 200, body: show(member) };
    },

    delete({ id }) {
      const member = state.findMember(id);
      if (!member) return memberNotFound();
      state.deleteMember(member);
      return { status: 204 };
    },
  };

  function show(member: SimulatedMember): object {
    const { user_guid, ...shown } = showMember(member);
    return deviates(settings, "member-owner-missing") ? shown : { user_guid, ...shown };
  }

  function isTooLong(id: string | null): boolean {
    return id !== null && id.length > 64 && deviates(settings, "long-ids-refused");
  }

  function hasLogin(credentials: readonly MemberCredential[]): boolean {
    return (
      deviates(settings, "login-fields") &&
      credentials.some(({ field_name }) => field_name === "login")
    );
  }

  function memberExists(id: string): Answer {
    if (deviates(settings, "member-exists-text"))
      return ssoError(400, "Duplicate external member guid");
    const { status, message } = settings.memberExists;
    return ssoError(status, message.replaceAll("{id}", id));
  }
}

/** The User that a Member create names; empty where it names none. */
export function ownerOf(body: unknown): string {
  const given = Owner.safeParse(body);
  return given.data?.user_guid ?? given.data?.external_user_guid ?? "";
}

const Owner = z.object({
  user_guid: z.string().optional(),
  external_user_guid: z.string().optional(),
});

/** A userkey, or login and password together. MX's sample shows the first; the names of the others are assumed. */
const Credentials = z
  .array(z.object({ field_name: z.string(), response: z.string() }))
  .refine((credentials) => {
    const names = credentials.map((credential) => credential.field_name).sort();
    return ["userkey", "login,password"].includes(names.join());
  });

const NewMember = Owner.extend({
  external_member_guid: z.string().optional(),
  credentials: Credentials,
});
const MemberUpdate = z.object({ credentials: Credentials });

/** The answers to a read and an update are assumed to look like the one to a create. */
function showMember(member: SimulatedMember) {
  return {
    guid: member.guid,
    institution_guid: "INS-00000000-0000-4000-8000-000000000000",
    user_guid: member.userGuid,
    name: "Example Credit Union",
    status: { status: 1, name: "ENABLED", message: "" },
    external_member_guid: member.id,
  };
}
