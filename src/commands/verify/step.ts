/**
 * What `--verify` is made of: one step for each numbered assumption about MX, and what they share.
 *
 * The numbers are those of docs/assumptions.md and of the comments in the files that rely on them. A test holds the three
 * together. A further API brings its steps in a file of its own and adds them to the list in verify.ts.
 */

import type { TenantConfig } from "../../config/tenant.ts";
import { AppError } from "../../errors.ts";
import type { Answer } from "../../mx/call.ts";
import type {
  MemberDirectory,
  Platform,
  RequestContext,
  SsoDirectory,
  Tenant,
  WidgetRequest,
  WidgetUrl,
} from "../../session/types.ts";
import { type MxUsers, type OneApi, toProblem } from "./mx-users.ts";

export type AssumptionId = `A${number}`;

export type Step = {
  id: AssumptionId;
  /** What is assumed, as a sentence. */
  assumption: string;
  /** Which setting or file to change where it does not hold, as a sentence. */
  change: string;
  /** When it is tried: before there is a user, or once the user was deleted. Default: with one. */
  phase?: "before" | "after";
  /** What it builds on: with one of them refuted or not tried, it is not tried either. */
  after?: readonly AssumptionId[];
  needs?: readonly Need[];
  /** Whatever else goes wrong is thrown. */
  findDeviation(run: Run): Promise<Deviation>;
};

/** `undefined`: it holds. Text: what came instead, as the end of "MX …". `untried`: why it is unknown. */
export type Deviation = string | { untried: string } | undefined;

export type Need = keyof ReturnType<typeof toOffers>;

export type Offers = Record<Need, true | string>;

/** What the configuration and the arguments let a step try, or why not. */
export function toOffers({ mx: { platform, sso }, member }: TenantConfig, withMember: boolean) {
  const isV2 = sso?.version === "v2";
  const isV3 = sso?.version === "v3"; // Its Users are those of MDX, whichever API makes the URLs.
  const isOld = platform?.version === "v20111101";
  return {
    sso: isV2 || "The SSO API v2 is not configured.",
    platform_users: (platform && !isV3) || "The Platform API does not create the users.",
    urls: platform !== undefined || isV3 || "The SSO API v2 creates the widget URLs.",
    both: (platform && sso) !== undefined || "Only one of MX's APIs is configured.",
    v20111101: isOld || "It applies only to MX_PLATFORM_VERSION=v20111101.",
    ids_in_paths:
      isV2 || !isOld || "The Platform API v20111101 does not accept your own ids in paths.",
    sso_v3: (isV3 && !platform) || "The SSO API v3 does not create the widget URLs.",
    one_key:
      (isV3 && !platform && sso.mdx.apiKey === sso.apiKey) ||
      "The SSO API v3 is not configured, or MX_MDX_API_KEY is another key.",
    mdx: isV3 || "MDX Real Time is not configured.",
    member:
      (withMember && member.source !== "none") ||
      "It needs --with-member, and an API with Members. An invented userkey may start a login at a data provider.",
  };
}

export type Run = {
  userId: string;
  memberId: string;
  tenant: Tenant;
  /** Another one of the same configuration, which remembers nothing. */
  openAnother(): Tenant;
  users: MxUsers;
  /** Single answers of MX so far, in their order. */
  answers: readonly Answer[];
  /** A context for one step. */
  context(): RequestContext;
  /** What making the user showed. */
  made?: Made;
  /** MX's id of the second user of the same id. */
  guidAgain?: string;
  /** Of every User that may be there: MX's guid, or the id where that is not known or not taken. */
  guids: Set<string>;
  /** `tried`: it may be there. `orphaned`: it is, but MX finds it under no user. */
  member: "none" | "tried" | "made" | "orphaned";
};

export type Made = {
  /** MX's own id, as far as it was named. */
  guid: string | undefined;
  /** The create went well only without the optional fields. */
  refusedProfile: boolean;
  /** Asked for right after the create; only with the Platform API. */
  firstUrl: FirstUrl | undefined;
};

/** `other_user`: the answer with the URL named another user. `untried`: why it is unknown. */
export type FirstUrl = "at_once" | "later" | "never" | "other_user" | { untried: string };

/** Printed as it is: members are added, never renamed or removed. */
export type Finding = Pick<Step, "id" | "assumption"> & {
  verdict: "confirmed" | "refuted" | "not_tried";
  /** What MX did instead, and what to change: only where it is refuted. */
  came: string | null;
  change: string | null;
  /** Why it was not tried. */
  why: string | null;
};

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

/** Whether MX answers a create with "there is one already". By another one: this one would look first. */
export async function meetsConflict(
  run: Run,
  operation: Answer["operation"],
  create: (other: Pick<Run, "tenant">) => Promise<unknown> | undefined,
): Promise<boolean> {
  const before = run.answers.length;
  const isMet = () =>
    run.answers.slice(before).findLast((answer) => answer.operation === operation)?.outcome ===
    "conflict";
  try {
    await create({ tenant: run.openAnother() });
  } catch (error) {
    if (!isMet()) throw error;
  }
  return isMet();
}

/** What comes of a user while it is disabled. */
export async function tryDisabled(
  api: OneApi | undefined,
  id: string,
  findDeviation: () => Promise<Deviation>,
): Promise<Deviation> {
  const problem = toProblem(await api?.setDisabled(id, true));
  if (problem) return `${problem} to the update that disables the user`;
  const deviation = await findDeviation();
  await api?.setDisabled(id, false);
  return deviation;
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

/** A widget URL for the run's user. Default: that of a caller who chooses nothing. */
export async function requestUrl(
  { userId, tenant, context, made }: Run,
  request: WidgetRequest = tenant.parseWidgetRequest({}),
  { isNew = false } = {},
): Promise<WidgetUrl | undefined> {
  const path = { userId, pathId: made?.guid ?? userId, isNew, isConfirmed: true };
  return platformOf({ tenant })?.requestWidgetUrl(path, request, context());
}

/** By a read, with whichever API reads by the partner's ids. */
export async function isKnown(run: Run, userId: string): Promise<boolean> {
  const directory = directoryOf(run);
  const found = directory
    ? await directory.findUser(userId, run.context())
    : await platformOf(run)?.readUser(userId, run.context());
  return found !== undefined;
}
