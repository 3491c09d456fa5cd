/** Assumptions about widget URLs and about the Platform API, alone and together with the SSO API. */

import { AppError } from "../../errors.ts";
import { toProblem } from "./mx-users.ts";
import {
  type Deviation,
  describe,
  type FirstUrl,
  type Made,
  meetsConflict,
  platformOf,
  type Run,
  type Step,
} from "./step.ts";

export const PLATFORM_STEPS: readonly Step[] = [
  {
    id: "A13",
    assumption: "`Accept-Version: v20111101` still selects the older version.",
    change: "Set MX_PLATFORM_VERSION=v20250224.",
    phase: "before",
    needs: ["v20111101"],
    async findDeviation(run) {
      const user = await platformOf(run)?.readUser(run.userId, run.context());
      return user ? "finds a user that was never created" : undefined;
    },
  },
  {
    id: "A14",
    assumption:
      "A User created with the SSO API or MDX also exists in the Platform API, with the same guid and the same id.",
    change:
      "Ask MX to set up both APIs for the same client. Until then, configure only one of them.",
    phase: "with",
    after: ["A13"],
    needs: ["both"],
    findDeviation: async ({ made }) =>
      judgeFirstUrl(made, { never: "does not find the user after five seconds" }),
  },
  {
    id: "A15",
    assumption: "A new User gets a widget URL within a second.",
    change:
      "Increase NEW_USER_WAITS_MS in src/mx/widget-url.ts. Until then, some first logins fail, and the user's next login works.",
    phase: "with",
    after: ["A13", "A14"],
    needs: ["urls"],
    findDeviation: async ({ made }) =>
      judgeFirstUrl(made, { later: "needed longer", never: "gave none in five seconds" }),
  },
  {
    id: "A16",
    assumption: "In an answer with a widget URL, `user_id` is the partner's id.",
    change:
      "Correct the comparison in src/mx/platform.ts and src/mx/sso-v3.ts. Until then, no widget opens.",
    phase: "with",
    after: ["A13", "A14"],
    needs: ["urls"],
    findDeviation: async ({ made }) =>
      made?.firstUrl?.namesOther ? "names another id there" : judgeFirstUrl(made, {}),
  },
  {
    id: "A17",
    assumption: "The Platform API refuses a second User with the same id, with 409.",
    change:
      "Correct classifyPlatform in src/mx/outcome.ts. Until then, simultaneous first logins of one user may fail.",
    phase: "with",
    after: ["A13", "A14"],
    needs: ["platform_users"],
    async findDeviation(run) {
      const again = { userId: run.userId, profile: {} };
      const other = platformOf({ tenant: await run.openAnother() }); // This one would look first.
      const second = other
        ?.createUser(again, run.context())
        .then(({ guid }) => guid && run.guids.add(guid));
      const isRefused = await meetsConflict(run, "platform.create_user", second);
      return isRefused ? undefined : "makes another one";
    },
  },
  {
    id: "A18",
    assumption: "`GET /users?id=` finds exactly the User with that id.",
    change: "Set MX_PLATFORM_VERSION=v20250224, which does not use this search.",
    phase: "with",
    after: ["A13", "A15"],
    needs: ["v20111101"],
    async findDeviation(run) {
      const another = platformOf({ tenant: await run.openAnother() });
      const user = await another?.readUser(run.userId, run.context());
      if (!user) return "does not find the user";
      return user.guid === run.made?.guid || !run.made?.guid ? undefined : "finds another user";
    },
  },
  {
    id: "A19",
    assumption: "A disabled User gets 403 instead of a widget URL.",
    change:
      "Do not rely on MX to keep disabled users out. For a known user, the service only requests the URL, and does not read the user.",
    phase: "with",
    after: ["A13", "A14", "A15", "A16"],
    needs: ["urls"],
    async findDeviation(run) {
      const { users, userId, made } = run;
      const id = users.mdx ? userId : (made?.guid ?? userId);
      const api = users.mdx ?? users.platform;
      const problem = toProblem(await api?.setDisabled(id, true));
      if (problem) return `${problem} to the update that disables the user`;
      const came = await askAsDisabled(run);
      await api?.setDisabled(id, false);
      return came;
    },
  },
];

/** What the first widget URL has shown; `undefined` for what is as it should be. */
function judgeFirstUrl(
  made: Made | undefined,
  words: Partial<Record<FirstUrl["when"], string>>,
): Deviation {
  const { when, problem } = made?.firstUrl ?? { when: "never", problem: "No URL was asked for." };
  return problem === undefined ? words[when] : { untried: problem };
}

async function askAsDisabled(run: Run): Promise<string | undefined> {
  const { userId, made, tenant, context } = run;
  const path = { userId, pathId: made?.guid ?? userId, isNew: false, isConfirmed: true };
  try {
    const url = await platformOf(run)?.requestWidgetUrl(
      path,
      tenant.parseWidgetRequest({}),
      context(),
    );
    return url ? "gives a URL" : "says that there is no such user";
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.upstream?.status === 403 ? undefined : describe(error);
  }
}
