/** Assumptions about widget URLs and about the Platform API, alone and together with the SSO API. */

import { AppError } from "../../errors.ts";
import {
  type Deviation,
  describe,
  type FirstUrl,
  type Made,
  meetsConflict,
  platformOf,
  type Run,
  requestUrl,
  type Step,
  tryDisabled,
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
    after: ["A13", "A14"],
    needs: ["urls"],
    findDeviation: async ({ made }) =>
      judgeFirstUrl(made, { other_user: "names another id there" }),
  },
  {
    id: "A17",
    assumption: "The Platform API refuses a second User with the same id, with 409.",
    change:
      "Correct classifyByStatus in src/mx/outcome.ts. Until then, simultaneous first logins of one user may fail.",
    after: ["A13", "A14"],
    needs: ["platform_users"],
    findDeviation: createSecondUser,
  },
  {
    id: "A18",
    assumption: "`GET /users?id=` finds exactly the User with that id.",
    change: "Set MX_PLATFORM_VERSION=v20250224, which does not use this search.",
    after: ["A13", "A15"],
    needs: ["v20111101"],
    async findDeviation(run) {
      const other = platformOf({ tenant: run.openAnother() });
      const user = await other?.readUser(run.userId, run.context());
      if (!user) return "does not find the user";
      return user.guid === run.made?.guid || !run.made?.guid ? undefined : "finds another user";
    },
  },
  {
    id: "A19",
    assumption: "A disabled User gets 403 instead of a widget URL.",
    change:
      "Do not rely on MX to keep disabled users out. For a known user, the service only requests the URL, and does not read the user.",
    after: ["A13", "A14", "A15", "A16"],
    needs: ["urls"],
    findDeviation(run) {
      const { users, userId, made } = run;
      const id = users.mdx ? userId : (made?.guid ?? userId);
      return tryDisabled(users.mdx ?? users.platform, id, () => askAsDisabled(run));
    },
  },
];

/** What the first widget URL has shown; `undefined` for what is as it should be. */
function judgeFirstUrl(
  made: Made | undefined,
  words: Partial<Record<Extract<FirstUrl, string>, string>>,
): Deviation {
  const first = made?.firstUrl ?? { untried: "No URL was asked for." };
  return typeof first === "object" ? first : words[first];
}

/** With the Platform API, or MDX Real Time. */
export async function createSecondUser(run: Run): Promise<Deviation> {
  const { userId, users, guids } = run;
  const operation = users.mdx ? "mdx.create_user" : "platform.create_user";
  const isRefused = await meetsConflict(run, operation, async (other) => {
    const made = await platformOf(other)?.createUser({ userId, profile: {} }, run.context());
    if (made?.guid && !users.mdx) guids.add(made.guid);
  });
  return isRefused ? undefined : "makes another one";
}

async function askAsDisabled(run: Run): Promise<Deviation> {
  try {
    return (await requestUrl(run)) ? "gives a URL" : "says that there is no such user";
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.upstream?.status === 403 ? undefined : describe(error);
  }
}
