/**
 * `--user`: who a user is at MX and in the log, computed as the service does it. For support.
 *
 * Nothing is created or changed. Without `--live`, no other system is asked.
 */

import type { TenantConfig } from "../config/types.ts";
import { AppError } from "../errors.ts";
import { createBudget } from "../session/budget.ts";
import type { Identity, Principal, RequestContext, Tenant } from "../session/types.ts";

export type UserQuestion = {
  /** Of the claim that USER_ID_CLAIM names. */
  value: string;
  /** `sub` of the same user, where that is another claim. */
  subject: string | undefined;
  /** Whether to ask MX and the lookup. */
  isLive: boolean;
};

export type UserParts = {
  config: TenantConfig;
  tenant: Tenant;
  toPseudonym: (principal: Pick<Principal, "issuer" | "subject">) => string;
};

export type UserReport = {
  tenant: string;
  userId: string;
  /** `from`: where the id comes from, if that system was not asked. `undefined`: the SSO API, which has Members, is not used. */
  member: { id: string } | { from: string } | undefined;
  /** As logged. `needs`: what is missing to know it. */
  userHash: { value: string } | { needs: string };
  /** What was found at MX. */
  live: Found[] | undefined;
};

export type Found = { what: "SSO user" | "Member" | "Platform user" | "MDX user" } & (
  | { exists: false }
  | { exists: true; guid: string | undefined; isDisabled?: boolean }
  /** Why it is unknown. */
  | { problem: string }
);

/** For all calls of `--live`, in milliseconds. */
const DEADLINE_MS = 20_000;

/** Throws `unusable_user_id`, and `forbidden` where no Member id follows from the user's. */
export async function describeUser(parts: UserParts, question: UserQuestion): Promise<UserReport> {
  const { config, tenant, toPseudonym } = parts;
  const { claim } = config.userId;
  const [issuer] = config.auth.issuers;
  const { value, subject = claim === "sub" ? value : undefined, isLive } = question;
  const claims = { ...(subject !== undefined && { sub: subject }), [claim]: value };
  const principal: Principal = { issuer, subject: subject ?? "", claims, tenant };
  const identity = { userId: tenant.toUserId(principal), principal };
  const member = config.mx.sso && toMember(config, identity);
  const report: UserReport = {
    tenant: config.name,
    userId: identity.userId,
    member,
    userHash:
      subject === undefined
        ? {
            needs: `--subject <sub>: user.hash is computed from the sub, and USER_ID_CLAIM is ${claim}`,
          }
        : { value: toPseudonym({ issuer, subject }) },
    live: undefined,
  };
  return isLive ? { ...report, ...(await askAll(config, identity, member)) } : report;
}

type Member = UserReport["member"];

/** As far as it is known without asking. */
function toMember({ memberIds }: TenantConfig, identity: Identity): Member {
  const { tenant, claims } = identity.principal;
  if (memberIds.source === "lookup") return { from: "the lookup (MEMBER_LOOKUP_URL)" };
  if (memberIds.source === "claim" && !Object.hasOwn(claims, memberIds.claim))
    return { from: `the claim ${memberIds.claim} (MEMBER_ID_CLAIM)` };
  return { id: tenant.memberIds.resolve(identity, undefined).value };
}

async function askAll(
  config: TenantConfig,
  identity: Identity,
  known: Member,
): Promise<Pick<UserReport, "member" | "live">> {
  const { userId, principal } = identity;
  const { mx } = principal.tenant;
  const context: RequestContext = {
    budget: createBudget({ deadlineMs: DEADLINE_MS }),
    audit() {},
    profileFailed() {},
    profileRefused() {},
  };
  const live: Found[] = [];
  let member = known;
  if (mx.kind !== "platform") {
    const directory = mx.kind === "mdx" ? mx.members : mx.directory;
    if (mx.kind !== "mdx") {
      live.push(await find("SSO user", () => mx.directory.findUser(userId, context)));
    }
    if (config.memberIds.source === "lookup") member = await lookUp(identity, context);
    if (member && "id" in member) {
      const { id } = member;
      live.push(
        await find("Member", () => directory.findMember({ memberId: id, userId }, context)),
      );
    }
  }
  if (mx.kind !== "sso") {
    const { platform } = mx;
    const what = config.mx.platform ? "Platform user" : "MDX user";
    live.push(await find(what, () => platform.readUser(userId, context)));
  }
  return { member, live };
}

async function lookUp(identity: Identity, context: RequestContext): Promise<Member> {
  const { subject, tenant } = identity.principal;
  if (subject === "") return { from: "the lookup, which needs --subject <sub>" };
  try {
    const { lookedUp } = await tenant.findCredentials(identity, context);
    return { id: tenant.memberIds.resolve(identity, lookedUp?.memberId).value };
  } catch (error) {
    return { from: `the lookup, which gave no answer: ${toProblem(error)}` };
  }
}

type Answer = { guid?: string | undefined; isDisabled?: boolean } | undefined;

async function find(what: Found["what"], ask: () => Promise<Answer>): Promise<Found> {
  try {
    const found = await ask();
    if (!found) return { what, exists: false };
    const { guid, isDisabled } = found;
    return { what, exists: true, guid, ...(isDisabled !== undefined && { isDisabled }) };
  } catch (error) {
    return { what, problem: toProblem(error) };
  }
}

/** In words of this service: nothing of MX's answer. */
function toProblem(error: unknown): string {
  if (!(error instanceof AppError)) throw error;
  const { status, reason } = error.upstream ?? {};
  const details = [status, reason ?? error.reason].filter((detail) => detail !== undefined);
  return details.length === 0 ? error.message : `${error.message} (${details.join(", ")})`;
}

/** The result for people; a line for each fact. */
export function toUserText(report: UserReport): string {
  const { tenant, userId, member, userHash, live } = report;
  const rows: [string, string][] = [
    ["tenant", tenant],
    ["MX user id", userId],
    ["Member id", toMemberText(member)],
    ["user.hash", "value" in userHash ? userHash.value : `unknown. It needs ${userHash.needs}`],
    ...(live ?? []).map((found): [string, string] => [found.what, toFoundText(found)]),
  ];
  return `${rows.map(([name, text]) => `${name.padEnd(15)}${text}`).join("\n")}\n`;
}

function toMemberText(member: Member): string {
  if (!member) return "none, because no API with Members is configured";
  return "id" in member ? member.id : `comes from ${member.from}`;
}

function toFoundText(found: Found): string {
  if ("problem" in found) return `unknown: ${found.problem}`;
  if (!found.exists) return "does not exist";
  const { guid = "MX did not name the guid", isDisabled } = found;
  const state = isDisabled === undefined ? "" : isDisabled ? ", disabled" : ", enabled";
  return `exists, ${guid}${state}`;
}

/** A stable shape: members are added, never renamed or removed. */
export function toUserJson(report: UserReport): string {
  const { tenant, userId, member, userHash, live } = report;
  const json = {
    tenant,
    user_id: userId,
    member_id: member && "id" in member ? member.id : null,
    member_id_from: member && "from" in member ? member.from : null,
    user_hash: "value" in userHash ? userHash.value : null,
    user_hash_needs: "needs" in userHash ? userHash.needs : null,
    live: live?.map((found) => ({
      what: found.what,
      exists: "exists" in found ? found.exists : null,
      guid: ("guid" in found && found.guid) || null,
      disabled: ("isDisabled" in found ? found.isDisabled : undefined) ?? null,
      problem: "problem" in found ? found.problem : null,
    })),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** Whether MX answered every call. */
export function isComplete({ live = [] }: UserReport): boolean {
  return live.every((found) => !("problem" in found));
}
