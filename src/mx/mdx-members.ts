/**
 * MX MDX Real Time: the Members of users. `findMember` and the others have the user in their path, so MX itself compares the owner.
 *
 * Source: MX MDX Real Time, Create member; paths and statuses as MX's published client has them.
 */

import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { Budget } from "../session/budget.ts";
import type {
  Member,
  MemberCreation,
  MemberCredentials,
  MemberDirectory,
  OwnedMember,
  RequestContext,
} from "../session/types.ts";
import type { Answer, MxCall, Send } from "./call.ts";
import { readOne } from "./client.ts";
import { type CreateOnce, createCreateOnce } from "./create-or-find.ts";
import { refuseOtherUser, requireGood } from "./outcome.ts";
import { NEW_USER_WAIT_MS } from "./widget-url.ts";

/** How long a create that was cut off may still take at MX. */
const SETTLE_MS = 200;

const MemberBody = z.object({
  member: z.object({
    id: z.string().nullish(),
    guid: z.string().nullish(),
    user_guid: z.string().nullish(),
    user_id: z.string().nullish(),
  }),
});

export function createMdxMembers(send: Send): MemberDirectory {
  const createOnce = createCreateOnce();
  return {
    findMember: (member, { budget }) => readMember(send, member, { newConnection: false }, budget),
    createMember: (owned, credentials, context) =>
      createMember(send, createOnce, owned, credentials, context),
    async updateMember(owned, credentials, { budget, audit }) {
      const call: MxCall = {
        operation: "mdx.update_member",
        userId: owned.userId,
        kind: "update_member",
        method: "PUT",
        path: toMemberPath(owned),
        body: { member: toCredentials(credentials) },
        serializeBy: owned.memberId,
      };
      const answer = await send(call, budget);
      if (answer.outcome === "not_found") return "no_member";
      toMember(answer, owned);
      audit("member_updated");
      return "updated";
    },
  };
}

type MemberKey = Pick<OwnedMember, "memberId" | "userId"> & Partial<OwnedMember>;

async function readMember(
  send: Send,
  own: MemberKey,
  { newConnection }: { newConnection: boolean },
  budget: Budget,
): Promise<Member | undefined> {
  const read = { userId: own.userId, path: toMemberPath(own), newConnection };
  const answer = await readOne(send, "mdx.read_member", read, budget);
  return answer && toMember(answer, own);
}

function createMember(
  send: Send,
  createOnce: CreateOnce,
  owned: OwnedMember,
  credentials: MemberCredentials,
  { budget, audit }: RequestContext,
): Promise<MemberCreation> {
  const { userId, memberId } = owned;
  const call: MxCall = {
    operation: "mdx.create_member",
    userId,
    kind: "create_member",
    method: "POST",
    path: `/users/${encodeURIComponent(userId)}/members.json`,
    body: { member: { id: memberId, ...toCredentials(credentials) } },
    serializeBy: memberId,
  };
  /** Where MX was late with the User, it is late with the Member of another request: an early look would find nothing. */
  let looks = [0, NEW_USER_WAIT_MS];
  const onLate = () => {
    looks = [NEW_USER_WAIT_MS];
  };
  return createOnce<MemberCreation>(
    memberId,
    {
      isThere: (creation) => creation !== "no_user",
      kind: call.kind,
      create: ({ newConnection }) =>
        createWhenVisible(send, { ...call, newConnection }, { ...owned, onLate }, budget),
      toCreated(answer) {
        if (answer.outcome === "not_found") return "no_user";
        toMember(answer, owned);
        return "created";
      },
      find: (connection) => readMember(send, owned, connection, budget),
      settleMs: SETTLE_MS,
      showsWithinMs: NEW_USER_WAIT_MS,
      conflictWaitsMs: () => looks,
      onCreated: () => audit("member_created"),
    },
    budget,
  );
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

function toMemberPath({ userId, memberId }: MemberKey): string {
  return `/users/${encodeURIComponent(userId)}/members/${encodeURIComponent(memberId)}.json`;
}

/** The path names the user; an answer that names another one is refused all the same. */
function toMember(answer: Answer, own: MemberKey): Member {
  const good = requireGood(answer);
  const { data } = MemberBody.safeParse(good.body);
  const member = data?.member;
  refuseOtherUser(good, member?.user_id, own.userId);
  refuseOtherUser(good, member?.user_guid, own.userGuid);
  const isGuid = /^MBR-/i.test(own.memberId);
  refuseOtherUser(good, isGuid ? member?.guid : member?.id, own.memberId);
  return {
    guid: member?.guid ?? undefined,
    userGuid: member?.user_guid ?? undefined,
    userId: member?.user_id ?? own.userId,
  };
}

function toCredentials({ fields }: MemberCredentials): Record<string, string> {
  return Object.fromEntries(fields.map(({ name, response }) => [name, response]));
}
