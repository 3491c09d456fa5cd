/**
 * MX MDX Real Time: the Users of partners with the SSO API v3, and their Members.
 *
 * Statuses decide and texts never do. 409 to a create means that the User exists, so a create whose answer was lost may be
 * repeated. Limits of fields: MX MDX, User fields. A profile that MX refuses anyway (422) is left out.
 * Source: MX MDX Real Time, Create user and Create member; paths and statuses as MX's published client has them.
 */

import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { Budget } from "../session/budget.ts";
import type {
  MemberCredentials,
  MemberDirectory,
  Platform,
  PlatformUser,
  PlatformVersion,
  Profile,
  RequestContext,
} from "../session/types.ts";
import type { Answer, MxCall, Send } from "./call.ts";
import { readOne } from "./client.ts";
import { type Connection, createCreateOnce } from "./create-or-find.ts";
import { createMembers, type MemberApi, Name } from "./members.ts";
import { requireGood } from "./outcome.ts";
import { toOwnUser, toPlatformUser } from "./platform-path-ids.ts";
import { NEW_USER_WAIT_MS } from "./widget-url.ts";

const MAX_LENGTH = { first_name: 50, last_name: 50, email: 100 } as const;

const MEMBERS: MemberApi = {
  name: "mdx",
  hasUserInPath: true,
  isLate: true,
  toPath: ({ userId, memberId }) =>
    `/users/${encodeURIComponent(userId)}/members/${encodeURIComponent(memberId)}.json`,
  toCreatePath: (userId) => `/users/${encodeURIComponent(userId)}/members.json`,
  toCreateBody: ({ memberId }, credentials) => ({
    member: { id: memberId, ...toCredentials(credentials) },
  }),
  toUpdateBody: (credentials) => ({ member: toCredentials(credentials) }),
  Answer: z
    .object({ member: z.object({ id: Name, guid: Name, user_id: Name, user_guid: Name }) })
    .transform(({ member }) => ({
      id: member.id,
      guid: member.guid,
      userId: member.user_id,
      userGuid: member.user_guid,
    })),
};

export function createMdxMembers(send: Send): MemberDirectory {
  return createMembers(send, MEMBERS);
}

function toCredentials({ fields }: MemberCredentials): Record<string, string> {
  return Object.fromEntries(fields.map(({ name, response }) => [name, response]));
}

export function createMdxUsers(send: Send): Pick<Platform, "createUser" | "readUser"> {
  const createOnce = createCreateOnce();

  async function readUser(userId: string, { newConnection }: Connection, budget: Budget) {
    const path = `/users/${encodeURIComponent(userId)}.json`;
    const answer = await readOne(send, "mdx.read_user", { userId, path, newConnection }, budget);
    return answer && toUser(answer, userId);
  }

  return {
    readUser: (userId, { budget }) => readUser(userId, { newConnection: false }, budget),
    async createUser({ userId, profile }, context) {
      const fields = toFields(profile);
      let creates = 0;
      const user = await createOnce<PlatformUser>(
        {
          send(call) {
            creates += 1;
            return sendCreate(send, call, fields, context);
          },
          call: {
            operation: "mdx.create_user",
            userId,
            kind: "create_user",
            method: "POST",
            path: "/users.json",
            body: { user: { id: userId, ...fields } },
            serializeBy: userId,
          },
          toCreated: (answer) => toUser(answer, userId),
          async find(connection) {
            const found = await readUser(userId, connection, context.budget);
            return found && { ...found, wasThere: creates === 0 }; // Otherwise this request has made it.
          },
          toExisting: () => ({
            ...toPlatformUser(userId, {}),
            wasThere: creates === 1, // After no create, another request has just made it; after two, this one.
          }),
          showsWithinMs: NEW_USER_WAIT_MS,
        },
        context,
      );
      return { ...user, isNew: true };
    },
  };
}

/** MX documents no body for 422, so the field is unknown: the user is created without any of them. */
async function sendCreate(
  send: Send,
  call: MxCall,
  fields: object,
  { budget, profileRefused }: RequestContext,
): Promise<Answer> {
  const answer = await send(call, budget);
  const names = Object.keys(fields);
  const isProfile = answer.outcome === "rejected" && answer.status === 422 && names.length > 0;
  if (!isProfile || !budget.allows(call.kind, 0)) return answer;
  profileRefused(names);
  return send({ ...call, body: { user: { id: call.userId } } }, budget);
}

/** MDX makes the users, and the Platform API their URLs. Its legacy version wants MX's guid in the path. */
export function withMdxUsers(
  platform: Platform,
  users: ReturnType<typeof createMdxUsers>,
  version: PlatformVersion,
): Platform {
  return {
    ...platform,
    async createUser(user, context) {
      const { wasThere: _, ...made } = await users.createUser(user, context);
      if (version === "v20250224") return made;
      const guid = made.guid ?? (await readGuid(users, user.userId, context));
      return { ...made, guid, pathId: guid ?? user.userId };
    },
  };
}

/** MDX may not show a User for a moment that another request has just made. */
async function readGuid(
  { readUser }: Pick<Platform, "readUser">,
  userId: string,
  context: RequestContext,
): Promise<string | undefined> {
  const found = await readUser(userId, context);
  if (found || !context.budget.allows("read", NEW_USER_WAIT_MS)) return found?.guid;
  await sleep(NEW_USER_WAIT_MS);
  return (await readUser(userId, context))?.guid;
}

/** The SSO API v3 makes the URLs. It takes the partner's id, so a known user costs no read. */
export function withSsoV3Urls(
  urls: Pick<Platform, "requestWidgetUrl" | "urlOperation">,
  users: ReturnType<typeof createMdxUsers>,
): Platform {
  return {
    ...urls,
    ...users,
    findUser: async (userId) => toPlatformUser(userId),
  };
}

function toUser(answer: Answer, userId: string): PlatformUser {
  const good = requireGood(answer);
  return good.body === undefined ? toPlatformUser(userId, {}) : toOwnUser(userId, good); // The status is enough.
}

/** `sex` is called `gender` here. What is longer than MX takes is left out. The names have fields of their own, so no metadata. */
function toFields({ sex, metadata: _, ...profile }: Profile): Record<string, unknown> {
  const tooLong = ([name, value]: [string, unknown]) =>
    name in MAX_LENGTH && String(value).length > MAX_LENGTH[name as keyof typeof MAX_LENGTH];
  const fields = Object.entries(profile).filter((field) => !tooLong(field));
  return { ...Object.fromEntries(fields), ...(sex && { gender: sex }) };
}
