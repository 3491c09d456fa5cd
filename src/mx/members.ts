/**
 * The Members of users. The SSO API v2 and MDX Real Time differ in paths, names and waits; what is sent when, and what is
 * compared, is the same.
 *
 * Source: MX SSO API v2, Reference; MX MDX Real Time, Create member; paths and statuses as MX's published client has them.
 */

import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { Budget } from "../session/budget.ts";
import { MX_GUID } from "../session/member.ts";
import type {
  Member,
  MemberCreation,
  MemberCredentials,
  MemberDirectory,
  OwnedMember,
} from "../session/types.ts";
import type { Answer, MxCall, Send } from "./call.ts";
import { readOne } from "./client.ts";
import { type Connection, createCreateOnce } from "./create-or-find.ts";
import { refuseOtherUser, requireGood } from "./outcome.ts";
import { NEW_USER_WAIT_MS } from "./widget-url.ts";

/** How an API reads and writes Members. */
export type MemberApi = {
  name: "sso" | "mdx";
  /** MX compares the owner itself. Otherwise a read gives the Member of any user. */
  hasUserInPath: boolean;
  /** MX may be late with a new User, and with the Member of another request. Otherwise it shows each at once. */
  isLate: boolean;
  toPath(key: MemberKey): string;
  toCreatePath(userId: string): string;
  toCreateBody(key: MemberKey, credentials: MemberCredentials): object;
  toUpdateBody(credentials: MemberCredentials): object;
  /** What an answer says. Its shape may be any: the status decides, and an owner that is named must be ours. */
  Answer: z.ZodType<Member & { id?: string | undefined }>;
};

/** A name in an answer. */
export const Name = z
  .string()
  .nullish()
  .transform((name) => name ?? undefined);

type MemberKey = Pick<OwnedMember, "memberId" | "userId">;

export function createMembers(send: Send, api: MemberApi): MemberDirectory {
  const createOnce = createCreateOnce();

  async function readMember(
    { memberId, userId }: MemberKey,
    own: Partial<OwnedMember>,
    { newConnection }: Connection,
    budget: Budget,
  ): Promise<Member | undefined> {
    const read = { userId, path: api.toPath({ memberId, userId }), newConnection };
    const answer = await readOne(send, `${api.name}.read_member`, read, budget);
    return answer && toMember(api, answer, { ...own, memberId });
  }

  return {
    api: api.name,

    findMember: (key, { budget }) =>
      readMember(key, api.hasUserInPath ? key : {}, { newConnection: false }, budget),

    createMember(owned, credentials, context) {
      const { userId, memberId } = owned;
      /** Where MX was late with the User, it is late with the Member of another request: an early look would find nothing. */
      let looks = [0, NEW_USER_WAIT_MS];
      const onLate = () => {
        looks = [NEW_USER_WAIT_MS];
      };
      return createOnce<MemberCreation>(
        {
          send: (call, budget) => createWhenVisible(send, call, { ...owned, onLate }, budget),
          call: {
            operation: `${api.name}.create_member`,
            userId,
            kind: "create_member",
            method: "POST",
            path: api.toCreatePath(userId),
            body: api.toCreateBody(owned, credentials),
            serializeBy: memberId,
          },
          toCreated(answer) {
            if (answer.outcome === "not_found") return "no_user";
            toMember(api, answer, owned);
            return "created";
          },
          isThere: (creation) => creation !== "no_user",
          find: (connection) => readMember(owned, owned, connection, context.budget),
          ...(api.isLate && { showsWithinMs: NEW_USER_WAIT_MS, conflictWaitsMs: () => looks }),
        },
        context,
      );
    },

    async updateMember(owned, credentials, { budget, audit }) {
      const { userId, memberId } = owned;
      const call: MxCall = {
        operation: `${api.name}.update_member`,
        userId,
        kind: "update_member",
        method: "PUT",
        path: api.toPath(owned),
        body: api.toUpdateBody(credentials),
        serializeBy: memberId,
      };
      const answer = await send(call, budget);
      if (answer.outcome === "not_found") return "no_member";
      toMember(api, answer, owned);
      audit("member_updated");
      return "updated";
    },
  };
}

/** MX may not know a new User for a moment. A create may be sent twice, so the second one waits as long as a URL does. */
async function createWhenVisible(
  send: Send,
  call: MxCall,
  { user, onLate }: Pick<OwnedMember, "user"> & { onLate: () => void },
  budget: Budget,
): Promise<Answer> {
  const mayWait = () => budget.allows(call.kind, NEW_USER_WAIT_MS);
  if (user === "late" && mayWait()) await sleep(NEW_USER_WAIT_MS);
  const answer = await send(call, budget);
  if (answer.outcome !== "not_found" || user !== "new" || !mayWait()) return answer;
  onLate();
  await sleep(NEW_USER_WAIT_MS);
  return send(call, budget);
}

/** What is known of the owner must match, also where the path has named it. What the answer leaves out cannot be checked. */
function toMember(
  api: MemberApi,
  answer: Answer,
  own: Pick<OwnedMember, "memberId"> & Partial<OwnedMember>,
): Member {
  const good = requireGood(answer);
  const { id, guid, userId, userGuid } = api.Answer.safeParse(good.body).data ?? {};
  refuseOtherUser(good, MX_GUID.test(own.memberId) ? guid : id, own.memberId);
  refuseOtherUser(good, userId, own.userId);
  refuseOtherUser(good, userGuid, own.userGuid);
  return { guid, userGuid, userId: userId ?? (api.hasUserInPath ? own.userId : undefined) };
}
