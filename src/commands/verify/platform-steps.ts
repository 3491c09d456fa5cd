/** Assumptions about widget URLs and about the Platform API, alone and beside the SSO API. */

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
      return user ? "knows a user that was never made" : undefined;
    },
  },
  {
    id: "A14",
    assumption:
      "A User that the SSO API or MDX made is one of the Platform API, by MX's guid and with the same id.",
    change: "Ask MX to set up both APIs for the same client; until then, configure one of them.",
    phase: "with",
    after: ["A13"],
    needs: ["both"],
    findDeviation: async ({ made }) =>
      judgeFirstUrl(made, { never: "does not know the user after five seconds" }),
  },
  {
    id: "A15",
    assumption: "A new User gets a widget URL within a second.",
    change:
      "Lengthen NEW_USER_WAITS_MS in src/mx/widget-url.ts; until then, some first logins fail and the next one works.",
    phase: "with",
    after: ["A13", "A14"],
    needs: ["urls"],
    findDeviation: async ({ made }) =>
      judgeFirstUrl(made, { later: "needed longer", never: "gave none in five seconds" }),
  },
  {
    id: "A16",
    assumption: "Beside a widget URL, `user_id` is the partner's id.",
    change:
      "Correct the comparison in src/mx/platform.ts and src/mx/sso-v3.ts; until then, no widget opens.",
    phase: "with",
    after: ["A13", "A14"],
    needs: ["urls"],
    findDeviation: async ({ made }) =>
      made?.firstUrl?.namesOther ? "names another id there" : judgeFirstUrl(made, {}),
  },
  {
    id: "A17",
    assumption: "A second User of one id is refused with 409.",
    change:
      "Correct classifyPlatform in src/mx/outcome.ts; until then, two first logins at once may fail.",
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
    assumption: "`GET /users?id=` finds exactly the User of that id.",
    change: "Set MX_PLATFORM_VERSION=v20250224, which needs no search.",
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
    assumption: "A disabled User gets no widget URL, but 403.",
    change:
      "Do not rely on MX to keep disabled users out: without a read of the user, the service asks for no more than the URL.",
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
