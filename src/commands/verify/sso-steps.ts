/** Assumptions about the SSO API v2: Users, and the reads of Members. What writes to Members is in member-steps.ts. */

import { toProblem } from "./mx-users.ts";
import { directoryOf, isKnown, type Step } from "./step.ts";

export const SSO_STEPS: readonly Step[] = [
  {
    id: "A1",
    assumption: "The SSO API takes all eight optional fields when it creates a User.",
    change: "List in PROFILE_FIELDS only what MX takes.",
    phase: "with",
    needs: ["sso"],
    findDeviation: async ({ made }) =>
      made?.refusedProfile ? "creates the user only without them" : undefined,
  },
  {
    id: "A4",
    assumption: "Members are read at `/member/{id}`.",
    change: "Correct the path in src/mx/sso-v2.ts.",
    phase: "with",
    needs: ["sso"],
    async findDeviation(run) {
      const member = await directoryOf(run)?.findMember(run, run.context());
      return member ? "knows a Member that was never made" : undefined;
    },
  },
  {
    id: "A5",
    assumption: "The read of a disabled User says DISABLED in `status.name`.",
    change: "Correct how src/mx/sso-v2.ts reads `status`; until then, disabled users get widgets.",
    phase: "with",
    needs: ["sso"],
    async findDeviation(run) {
      const { userId, users } = run;
      const problem = toProblem(await users.sso?.setDisabled(userId, true));
      if (problem) return `${problem} to the update that disables the user`;
      const user = await directoryOf(run)?.findUser(userId, run.context());
      await users.sso?.setDisabled(userId, false);
      return user?.isDisabled ? undefined : "does not say so";
    },
  },
  {
    id: "A6",
    assumption: "The SSO API deletes Users with `DELETE /user/{id}`.",
    change:
      "Correct the path in src/commands/verify/mx-users.ts; the service itself deletes nobody.",
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
