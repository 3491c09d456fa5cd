/**
 * The user of `--verify`: made as a first login would make it, with every field and a widget URL right after it, and deleted at
 * the end. What cannot be deleted is disabled, and named.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../errors.ts";
import type { Profile } from "../../session/types.ts";
import { type OneApi, toProblem } from "./mx-users.ts";
import {
  describe,
  directoryOf,
  type FirstUrl,
  isKnown,
  type Made,
  membersOf,
  platformOf,
  type Run,
  requestUrl,
  unlessOurs,
} from "./step.ts";

/** Invented: the numbers and the domain are those reserved for examples. */
const PROFILE: Profile = {
  first_name: "Verify",
  last_name: "Example",
  email: "bff-verify@example.com",
  phone: "8015550100",
  birthdate: "1990-12-10",
  sex: "FEMALE",
  credit_score: 700,
  zip_code: "84043",
  metadata: '{"first_name":"Verify","last_name":"Example"}',
};

const POLL_MS = 500;
const POLLS = 10;

/** Gives why there is none. `asksPlatform`: whether its version is accepted. */
export async function makeUser(
  run: Run,
  { asksPlatform }: { asksPlatform: boolean },
): Promise<string | undefined> {
  const { userId, guids } = run;
  guids.add(userId); // To be deleted, whatever the result.
  try {
    const { guid, refusedProfile } = await createUser(run);
    if (guid && !run.users.mdx) {
      guids.delete(userId);
      guids.add(guid);
    }
    run.made = { guid, refusedProfile, firstUrl: undefined };
    if (platformOf(run) && asksPlatform) run.made.firstUrl = await askForFirstUrl(run);
    return undefined;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (wasRefused(run)) guids.clear();
    return `MX ${describe(error)}`;
  }
}

/** Each create was, so there is nothing to delete. */
function wasRefused({ answers }: Run): boolean {
  return answers
    .filter(({ operation }) => operation.endsWith(".create_user"))
    .every(({ outcome }) => outcome === "rejected" || outcome === "throttled");
}

/** The SSO API v2 is asked again without a refused profile. With MDX Real Time, the service itself does so. */
async function createUser(run: Run): Promise<Pick<Made, "guid" | "refusedProfile">> {
  const { userId } = run;
  const directory = directoryOf(run);
  let refusedProfile = false;
  const profileRefused = () => {
    refusedProfile = true;
  };
  const create = (profile: Profile) =>
    (directory ?? platformOf(run))?.createUser(
      { userId, profile },
      { ...run.context(), profileRefused },
    );
  try {
    const user = await create(PROFILE);
    return { guid: user?.guid, refusedProfile };
  } catch (error) {
    const isRefused = error instanceof AppError && error.code === "upstream_rejected";
    if (!directory || !isRefused) throw error;
    const user = await create({});
    return { guid: user?.guid, refusedProfile: true };
  }
}

/** First as the service does, which waits for about a second, then until the user must have arrived. */
async function askForFirstUrl(run: Run): Promise<FirstUrl> {
  try {
    if (await requestUrl(run, undefined, { isNew: true })) return "at_once";
    for (let poll = 0; poll < POLLS; poll += 1) {
      await sleep(POLL_MS);
      if (await requestUrl(run)) return "later";
    }
    return "never";
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.upstream?.reason === "other_user"
      ? "other_user"
      : { untried: `MX ${describe(error)}` };
  }
}

/** Printed as it is. */
export type LeftOver = { what: "User" | "Member"; id: string; disabled: boolean };

/** Gives why it is still there; `undefined`: it is gone, or never was. */
export async function removeUser(run: Run): Promise<string | undefined> {
  const { users, guids, userId } = run;
  if (guids.size === 0) return undefined;
  let problem: string | undefined;
  for (const api of [users.mdx, users.sso, users.platform]) {
    if (!api) continue;
    const problems = await Promise.all([...guids].map((guid) => remove(api, guid)));
    problem = problems.find((each) => each !== undefined) ?? (await findSurvivor(run));
    if (problem === undefined) {
      guids.clear();
      return undefined;
    }
  }
  return `MX ${problem ?? "offers no way"} to delete ${userId}`;
}

/** The Platform API may not know a new User for a moment, so it is asked again. */
async function remove(api: OneApi, guid: string): Promise<string | undefined> {
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
    const asker = { ...run, tenant: run.openAnother() }; // This one may remember guids.
    return (await isKnown(asker, run.userId)) ? "still knows the user after the answer" : undefined;
  } catch (error) {
    return unlessOurs(error);
  }
}

export async function cleanUp(run: Run): Promise<LeftOver[]> {
  const left: LeftOver[] = [];
  if (await removeUser(run))
    left.push({ what: "User", id: run.userId, disabled: await disable(run) });
  if (run.member !== "none" && !(await removeMember(run)))
    left.push({ what: "Member", id: run.memberId, disabled: false });
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
