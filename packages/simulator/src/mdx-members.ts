/**
 * Members of MDX Real Time: flat credentials, `userkey` or `login` and `password`. Ids are unique among all users of the client.
 *
 * Source: MX MDX Real Time, Create member; MX MDX, Member fields.
 */

import { z } from "zod";
import { deviates } from "./deviations.ts";
import type { ApiRequest } from "./serve.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { MemberCredential, SimulatedMember, SimulatedUser, SimulatorState } from "./state.ts";
import { type Handle, vendorError } from "./vendor-api.ts";

const credentials = {
  userkey: z.string().min(1).optional(),
  login: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
};
const Fields = z
  .strictObject({ ...credentials, name: z.string().max(100).optional() })
  .refine(({ userkey, login, password }) => !userkey === Boolean(login) && !login === !password);
const id = z.string().regex(/^(?!MBR-)[A-Za-z0-9_-]{1,1024}$/);
const Rooted = z.object({ member: z.looseObject({}) });

export function createMdxMembers(
  state: SimulatorState,
  settings: SimulatorSettings,
  isShown: (thing: SimulatedUser | SimulatedMember) => boolean,
): Record<"create" | "read" | "update" | "delete", Handle> {
  const findUser = ({ params }: ApiRequest) => {
    const user = state.findUser(params.user ?? "");
    return user && user.id === params.user && isShown(user) ? user : undefined;
  };
  const findMember = (request: ApiRequest) => {
    const user = findUser(request);
    const member = state.findMember(request.id);
    return user && member?.userGuid === user.guid && isShown(member) ? member : undefined;
  };

  return {
    create(request) {
      const user = findUser(request);
      if (!user) return vendorError(404);
      const rooted = Rooted.safeParse(request.body);
      if (!rooted.success) return vendorError(400);
      const { id: given, ...rest } = rooted.data.member;
      const memberId = id.safeParse(given);
      const fields = Fields.safeParse(rest);
      if (!memberId.success || !fields.success) return vendorError(422);
      if (state.findMember(memberId.data))
        return vendorError(deviates(settings, "mdx-member-conflict") ? 422 : 409);
      const member = state.createMember({
        id: memberId.data,
        userGuid: user.guid,
        credentials: toCredentials(fields.data),
      });
      return { status: 200, body: show(member, user.id) };
    },

    read(request) {
      const member = findMember(request);
      return member
        ? { status: 200, body: show(member, request.params.user ?? null) }
        : vendorError(404);
    },

    update(request) {
      const member = findMember(request);
      if (!member) return vendorError(404);
      const rooted = Rooted.safeParse(request.body);
      if (!rooted.success) return vendorError(400);
      const { id: _, ...rest } = rooted.data.member;
      const fields = Fields.safeParse(rest);
      if (!fields.success) return vendorError(422);
      member.credentials = toCredentials(fields.data);
      member.timesUpdated += 1;
      return { status: 200, body: show(member, request.params.user ?? null) };
    },

    delete(request) {
      const member = findMember(request);
      if (!member) return vendorError(404);
      state.deleteMember(member);
      return { status: 204 };
    },
  };
}

/** Kept as the SSO API names them, so that one test can look at either. */
function toCredentials({ name: _, ...given }: z.infer<typeof Fields>): MemberCredential[] {
  return Object.entries(given).flatMap(([field_name, response]) =>
    response === undefined ? [] : [{ field_name, response }],
  );
}

function show({ id, guid, userGuid }: SimulatedMember, userId: string | null): object {
  return {
    member: {
      id,
      guid,
      is_disabled: false,
      institution_id: null,
      metadata: null,
      name: null,
      user_guid: userGuid,
      user_id: userId,
    },
  };
}
