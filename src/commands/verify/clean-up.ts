/** Deletes at MX what `--verify` made. What cannot be deleted is disabled, and named. */

import { type OneApi, toProblem } from "./mx-users.ts";
import { isKnown, membersOf, type Run, unlessOurs } from "./step.ts";

export type LeftOver = { what: "User" | "Member"; id: string; isDisabled: boolean };

const POLL_MS = 500;
const POLLS = 10;

/** Gives why it is still there; `undefined`: it is gone, or never was. */
export async function removeUser(run: Run): Promise<string | undefined> {
  const { users, guids, userId } = run;
  if (guids.size === 0) return undefined;
  let problem: string | undefined;
  for (const api of [users.mdx, users.sso, users.platform]) {
    if (!api) continue;
    const problems = await Promise.all([...guids].map((guid) => remove(run, api, guid)));
    problem = problems.find((each) => each !== undefined) ?? (await findSurvivor(run));
    if (problem === undefined) {
      guids.clear();
      return undefined;
    }
  }
  return `MX ${problem ?? "offers no way"} to delete ${userId}`;
}

/** The Platform API may not know a new User for a moment, so it is asked again. */
async function remove({ sleep }: Run, api: OneApi, guid: string): Promise<string | undefined> {
  for (let poll = 0; poll < POLLS; poll += 1) {
    const change = await api.delete(guid);
    if (change !== "not_found") return toProblem(change);
    await sleep(POLL_MS);
  }
  return undefined;
}

/** Why it is not gone although MX has said so. Silence is no sign of life. */
async function findSurvivor(run: Run): Promise<string | undefined> {
  try {
    const asker = { ...run, tenant: await run.openAnother() }; // The one at hand may remember guids.
    return (await isKnown(asker, run.userId)) ? "still knows the user after the answer" : undefined;
  } catch (error) {
    return unlessOurs(error);
  }
}

export async function cleanUp(run: Run): Promise<LeftOver[]> {
  const left: LeftOver[] = [];
  if (await removeUser(run))
    left.push({ what: "User", id: run.userId, isDisabled: await disable(run) });
  if (run.member !== "none" && !(await removeMember(run)))
    left.push({ what: "Member", id: run.memberId, isDisabled: false });
  return left;
}

async function disable({ users, userId, guids }: Run): Promise<boolean> {
  const [id = userId] = guids;
  const apis = [users.mdx, users.sso, users.platform].filter((api) => api !== undefined);
  const changes = await Promise.all(apis.map((api) => api.setDisabled(id, true)));
  return changes.includes("done");
}

/** It goes with its User, or else by itself. */
async function removeMember(run: Run): Promise<boolean> {
  const { users, memberId, userId } = run;
  if (run.member === "orphaned") return false;
  const change = await (users.mdx ?? users.sso)?.deleteMember({ memberId, userId });
  if (change === "done" || change === "not_found") return true;
  try {
    return (await membersOf(run)?.findMember({ memberId, userId }, run.context())) === undefined;
  } catch (error) {
    unlessOurs(error);
    return false;
  }
}
