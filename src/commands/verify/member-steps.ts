/**
 * Assumptions about Members that take one to try. Only with `--with-member`: an invented userkey may start a real login at a
 * data provider.
 */

import { toUserkey } from "../../session/member.ts";
import type { MemberCredentials, MemberDirectory, OwnedMember } from "../../session/types.ts";
import { type Deviation, meetsConflict, membersOf, type Run, type Step } from "./step.ts";

const PERMANENT = toUserkey("bff-verify", false);
const LOGIN = {
  fields: [
    { name: "login", response: "bff-verify" },
    { name: "password", response: "bff-verify" },
  ],
  expires: true,
} as const;

export const MEMBER_STEPS: readonly Step[] = [
  {
    id: "A8",
    assumption:
      "The SSO API refuses a second Member with the same id, with a text that contains “already exists”.",
    change:
      "Correct SSO_TEXTS in src/mx/outcome.ts. Until then, simultaneous first logins of one user may fail.",
    needs: ["sso", "member"],
    findDeviation: createSecond,
  },
  {
    id: "A9",
    assumption: "Answers about a Member contain its User's guid (`user_guid`).",
    change:
      "With MEMBER_ID_CLAIM, make the claim contain the user id. Otherwise the service does not update a Member whose owner MX does not name (src/session/member-workflow.ts).",
    after: ["A4"],
    needs: ["sso", "member"],
    async findDeviation(run) {
      const { directory, owned } = await withMember(run);
      const member = await directory.findMember(owned, run.context());
      if (!member) return "does not find the Member that was just created";
      return member.userGuid === owned.userGuid ? undefined : "does not name it";
    },
  },
  {
    id: "A10",
    assumption: "Members are updated with `PUT /member/{id}`.",
    change: "Correct the path in src/mx/sso-v2.ts. Until then, use a permanent userkey.",
    needs: ["sso", "member"],
    findDeviation: (run) => update(run, PERMANENT),
  },
  {
    id: "A11",
    assumption: "The fields of a login are called `login` and `password`.",
    change: "Correct the names in src/mx/sso-v2.ts. Until then, use a userkey.",
    after: ["A10"],
    needs: ["sso", "member"],
    findDeviation: (run) => update(run, LOGIN),
  },
  {
    id: "A23",
    assumption: "MDX Real Time refuses a second Member with the same id, with 409.",
    change:
      "Correct classifyByStatus in src/mx/outcome.ts. Until then, simultaneous first logins of one user may fail.",
    needs: ["mdx", "member"],
    findDeviation: createSecond,
  },
];

/** For the time after the user was deleted and made again. */
export const ORPHAN_STEP: Step = {
  id: "A12",
  assumption: "When MX deletes a User, it also deletes the User's Members.",
  change:
    "When you delete a user, also delete the user's Members. If the user comes back, the service refuses to use the old Member.",
  phase: "after",
  after: ["A7", "A8", "A23"],
  needs: ["member"],
  async findDeviation(run) {
    const { userId, memberId, guidAgain: userGuid } = run;
    if (!(await isTaken(run, { userId, memberId, userGuid }))) return undefined;
    if (run.users.mdx) run.member = "orphaned"; // Its path names the user, who is gone.
    return "still knows the Member";
  },
};

async function createSecond(run: Run): Promise<Deviation> {
  const { owned } = await withMember(run);
  return (await isTaken(run, owned)) ? undefined : "makes another one";
}

/** Whether MX refuses to make this Member because it is there. */
function isTaken(run: Run, member: OwnedMember): Promise<boolean> {
  const operation = run.users.mdx ? "mdx.create_member" : "sso.create_member";
  return meetsConflict(run, operation, (other) =>
    membersOf(other)?.createMember(member, PERMANENT, run.context()),
  );
}

async function update(run: Run, credentials: MemberCredentials): Promise<Deviation> {
  const { directory, owned } = await withMember(run);
  const result = await directory.updateMember(owned, credentials, run.context());
  return result === "updated" ? undefined : "does not find the Member that was just created";
}

/** Makes the Member with the first step that needs one. */
async function withMember(run: Run): Promise<{ directory: MemberDirectory; owned: OwnedMember }> {
  const { userId, memberId, made } = run;
  const directory = membersOf(run);
  if (!directory) throw new Error("there are no Members"); // `needs` does not let this happen.
  const owned = { userId, memberId, userGuid: made?.guid };
  if (run.member !== "made") {
    run.member = "tried"; // To be deleted, whatever the result.
    await directory.createMember(owned, PERMANENT, run.context());
    run.member = "made";
  }
  return { directory, owned };
}
