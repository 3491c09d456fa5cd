/**
 * What `--verify` is made of: one step for each numbered assumption about MX, and what they share.
 *
 * The numbers are those of docs/assumptions.md and of the comments in the files that rely on them. A test holds the three
 * together. A further API brings its steps in a file of its own and adds them to the list in verify.ts.
 */

import { AppError } from "../../errors.ts";
import type { Answer } from "../../mx/call.ts";
import type {
  MemberDirectory,
  Platform,
  RequestContext,
  SsoDirectory,
  Tenant,
} from "../../session/types.ts";
import type { MxUsers } from "./mx-users.ts";

export type AssumptionId = `A${number}`;

export type Step = {
  id: AssumptionId;
  /** What is assumed, as a sentence. */
  assumption: string;
  /** Which setting or file to change where it does not hold, as a sentence. */
  change: string;
  /** When it is tried: before there is a user, with one, or once the user was deleted. */
  phase: "before" | "with" | "after";
  /** What it builds on: with one of them refuted or not tried, it is not tried either. */
  after?: readonly AssumptionId[];
  needs?: readonly Need[];
  /** Whatever else goes wrong is thrown. */
  findDeviation(run: Run): Promise<Deviation>;
};

/** `undefined`: it holds. Text: what came instead, as the end of "MX …". `untried`: why it is unknown. */
export type Deviation = string | { untried: string } | undefined;

/** Why a step may not be tried with this configuration or these arguments. */
export type Need =
  | "sso" // v2
  | "platform_users"
  | "urls"
  | "both"
  | "v20111101"
  | "ids_in_paths"
  | "sso_v3" // for URLs
  | "one_key"
  | "mdx"
  | "member";

export type Run = {
  userId: string;
  memberId: string;
  tenant: Tenant;
  /** Another one of the same configuration, which remembers nothing. */
  openAnother(): Promise<Tenant>;
  users: MxUsers;
  /** Single answers of MX so far, in their order. */
  answers: readonly Answer[];
  /** A context for one step. */
  context(): RequestContext;
  /** What making the user showed. */
  made: Made | undefined;
  /** MX's id of the second user of the same id. */
  guidAgain: string | undefined;
  /** Of every User that may be there: MX's guid, or the id where that is not known or not taken. */
  guids: Set<string>;
  /** `tried`: it may be there. `orphaned`: it is, but MX finds it under no user. */
  member: "none" | "tried" | "made" | "orphaned";
  sleep(ms: number): Promise<void>;
};

export type Made = {
  /** MX's own id, as far as it was named. */
  guid: string | undefined;
  /** The create went well only without the optional fields. */
  refusedProfile: boolean;
  /** Asked for right after the create; only with the Platform API. */
  firstUrl: FirstUrl | undefined;
};

export type FirstUrl = {
  when: "at_once" | "later" | "never";
  /** The answer with the URL named another user. */
  namesOther: boolean;
  /** Why it is unknown. */
  problem?: string;
};

export type Finding = Pick<Step, "id" | "assumption"> &
  (
    | { verdict: "confirmed" }
    /** `came`: what MX did instead. */
    | { verdict: "refuted"; came: string; change: string }
    | { verdict: "not_tried"; why: string }
  );

/** What an upstream did, in words of this service. */
export function describe({ upstream, message }: Pick<AppError, "upstream" | "message">): string {
  if (!upstream) return message;
  const { operation, outcome, status, reason } = upstream;
  const details = [status, reason].filter((detail) => detail !== undefined);
  return `answered ${operation} with ${[outcome, ...details].join(", ")}`;
}

/** For `catch`, if MX's answers are enough. Errors of this program are still thrown. */
export function unlessOurs(error: unknown): undefined {
  if (!(error instanceof AppError)) throw error;
}

/** Whether MX answers a create with "there is one already". What else goes wrong is thrown. */
export async function meetsConflict(
  { answers }: Pick<Run, "answers">,
  operation: Answer["operation"],
  create: Promise<unknown> | undefined,
): Promise<boolean> {
  const before = answers.length;
  const isMet = () =>
    answers.slice(before).findLast((answer) => answer.operation === operation)?.outcome ===
    "conflict";
  try {
    await create;
  } catch (error) {
    if (!isMet()) throw error;
  }
  return isMet();
}

/** Of the SSO API v2, where it is configured. */
export function directoryOf({ tenant: { mx } }: Pick<Run, "tenant">): SsoDirectory | undefined {
  return "directory" in mx ? mx.directory : undefined;
}

/** Of whichever API has Members. */
export function membersOf({ tenant: { mx } }: Pick<Run, "tenant">): MemberDirectory | undefined {
  if ("members" in mx) return mx.members;
  return "directory" in mx ? mx.directory : undefined;
}

/** Of the Platform API, or of the SSO API v3 with MDX Real Time. */
export function platformOf({ tenant: { mx } }: Pick<Run, "tenant">): Platform | undefined {
  return "platform" in mx ? mx.platform : undefined;
}

/** By a read, with whichever API reads by the partner's ids. */
export async function isKnown(run: Run, userId: string): Promise<boolean> {
  const context = run.context();
  const found =
    (await directoryOf(run)?.findUser(userId, context)) ??
    (directoryOf(run) ? undefined : await platformOf(run)?.readUser(userId, context));
  return found !== undefined;
}
