/** Assumptions about Users and ids, and about the reads of Members. What writes to Members is in member-steps.ts. */

import { toProblem } from "./mx-users.ts";
import {
  type Deviation,
  directoryOf,
  isKnown,
  meetsConflict,
  membersOf,
  platformOf,
  type Run,
  type Step,
  tryDisabled,
} from "./step.ts";
import { removeUser } from "./test-user.ts";

export const SSO_STEPS: readonly Step[] = [
  {
    id: "A1",
    assumption: "The SSO API accepts all eight optional fields when it creates a User.",
    change: "List in PROFILE_FIELDS only the fields that MX accepts.",
    needs: ["sso"],
    findDeviation: judgeProfile,
  },
  {
    id: "A4",
    assumption: "Members are read at `/member/{id}`.",
    change: "Correct the path in src/mx/sso-v2.ts.",
    needs: ["sso"],
    async findDeviation(run) {
      const member = await directoryOf(run)?.findMember(run, run.context());
      return member ? "finds a Member that was never created" : undefined;
    },
  },
  {
    id: "A5",
    assumption: "When a disabled User is read, `status.name` is DISABLED.",
    change: "Correct how src/mx/sso-v2.ts reads `status`. Until then, disabled users get widgets.",
    needs: ["sso"],
    findDeviation: (run) =>
      tryDisabled(run.users.sso, run.userId, async () => {
        const user = await directoryOf(run)?.findUser(run.userId, run.context());
        return user?.isDisabled ? undefined : "does not say so";
      }),
  },
  {
    id: "A6",
    assumption: "The SSO API deletes Users with `DELETE /user/{id}`.",
    change:
      "Correct the path in src/commands/verify/mx-users.ts. The service itself never deletes users.",
    phase: "after",
    needs: ["sso"],
    async findDeviation(run) {
      const problem = toProblem(await run.users.sso?.delete(run.userId));
      if (problem) return problem;
      if (await isKnown(run, run.userId)) return "still knows the user";
      run.guids.clear();
      return undefined;
    },
  },
];

export async function judgeProfile({ made }: Run): Promise<Deviation> {
  return made?.refusedProfile ? "creates the user only without them" : undefined;
}

/** Letters, digits, `-` and `_`, as the service allows them. */
const LONG_USER_ID = `bff-verify_${"x".repeat(117)}`;
const LONG_MEMBER_ID = `bff-verify_${"x".repeat(1013)}`;

export const ID_STEPS: readonly Step[] = [
  {
    id: "A2",
    assumption: "Ids are case-sensitive: `u-1` and `U-1` are two users.",
    change: "Set USER_ID_MODE=hmac, so that no two ids differ only in case.",
    needs: ["ids_in_paths"],
    async findDeviation(run) {
      const other = run.userId.toUpperCase();
      return (await isKnown(run, other))
        ? "also finds the user by the same id in capitals"
        : undefined;
    },
  },
  {
    id: "A3",
    assumption:
      "Ids may contain letters, digits, - and _. A User's id may have up to 128 characters, a Member's up to 1,024.",
    change:
      "Make the ids shorter. With USER_ID_MODE=hmac, a user id has 45 characters. MEMBER_ID_TEMPLATE adds to them.",
    after: ["A4"],
    needs: ["ids_in_paths"],
    async findDeviation(run) {
      await isKnown(run, LONG_USER_ID); // Both throw where MX says anything but that there is none.
      const member = { memberId: LONG_MEMBER_ID, userId: run.userId };
      await membersOf(run)?.findMember(member, run.context());
      return undefined;
    },
  },
];

/** For the time after the user was deleted. */
export const REUSE_STEP: Step = {
  id: "A7",
  assumption: "The id of a deleted User can be used again.",
  change:
    "Do not delete users who may come back, and ask MX how long a deleted user's id stays taken. src/session/open-session.ts relies on this.",
  phase: "after",
  async findDeviation(run) {
    const problem = await removeUser(run);
    if (problem) return { untried: `${problem}.` };
    run.guids.add(run.userId);
    const isTaken = await meetsConflict(run, toCreate(run), (other) => createAgain(run, other));
    return isTaken ? "says that the user exists" : undefined;
  },
};

function toCreate(run: Run) {
  if (run.users.mdx) return "mdx.create_user";
  return directoryOf(run) ? "sso.create_user" : "platform.create_user";
}

async function createAgain(run: Run, other: Pick<Run, "tenant">): Promise<void> {
  const users = directoryOf(other) ?? platformOf(other);
  const created = await users?.createUser({ userId: run.userId, profile: {} }, run.context());
  if (!created?.guid) return;
  run.guidAgain = created.guid;
  if (run.users.mdx) return; // It deletes by the partner's id.
  run.guids.clear();
  run.guids.add(created.guid);
}
