/**
 * `--user`: who a user is at MX and in the log, computed as the service does it. For support.
 *
 * Nothing is created or changed. Without `--live`, no other system is asked.
 */

import type { TenantConfig } from "../config/tenant.ts";
import { AppError } from "../errors.ts";
import type { Identity, Principal, RequestContext, Tenant } from "../session/types.ts";
import { createCommandContext } from "./context.ts";

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

/** Printed as it is: members are added, never renamed or removed. */
export type UserReport = Member & {
  tenant: string;
  user_id: string;
  /** As logged. */
  user_hash: string | null;
  /** What is missing to know it. */
  user_hash_needs: string | null;
  /** What was found at MX. */
  live?: Found[];
};

/** `member_id_from`: where the id comes from, if that system was not asked. Both `null`: no API with Members is used. */
type Member = { member_id: string | null; member_id_from: string | null };

type Found = {
  what: "SSO user" | "Member" | "Platform user" | "MDX user";
  /** `null`: unknown, because of the problem. */
  exists: boolean | null;
  guid: string | null;
  disabled: boolean | null;
  problem: string | null;
};

/** Throws `unusable_user_id`, and `forbidden` where no Member id follows from the user's. */
export async function describeUser(parts: UserParts, question: UserQuestion): Promise<UserReport> {
  const { config, tenant, toPseudonym } = parts;
  const { claim } = config.userId;
  const [issuer] = config.auth.issuers;
  const { value, subject = claim === "sub" ? value : undefined, isLive } = question;
  const claims = { ...(subject !== undefined && { sub: subject }), [claim]: value };
  const principal: Principal = { issuer, subject: subject ?? "", claims, tenant };
  const identity = { userId: tenant.toUserId(principal), principal };
  const member = config.mx.sso ? toMember(config, identity) : NO_MEMBER;
  return {
    tenant: config.name,
    user_id: identity.userId,
    ...member,
    user_hash: subject === undefined ? null : toPseudonym({ issuer, subject }),
    user_hash_needs:
      subject === undefined
        ? `--subject <sub>: user.hash is computed from the sub, and USER_ID_CLAIM is ${claim}`
        : null,
    ...(isLive && (await askAll(config, identity, member))),
  };
}

const NO_MEMBER: Member = { member_id: null, member_id_from: null };
const fromId = (id: string): Member => ({ member_id: id, member_id_from: null });
const from = (source: string): Member => ({ member_id: null, member_id_from: source });

/** As far as it is known without asking. */
function toMember({ memberIds }: TenantConfig, identity: Identity): Member {
  const { tenant, claims } = identity.principal;
  if (memberIds.source === "lookup") return from("the lookup (MEMBER_LOOKUP_URL)");
  if (memberIds.source === "claim" && !Object.hasOwn(claims, memberIds.claim))
    return from(`the claim ${memberIds.claim} (MEMBER_ID_CLAIM)`);
  return fromId(tenant.memberIds.resolve(identity, undefined).value);
}

async function askAll(
  config: TenantConfig,
  identity: Identity,
  known: Member,
): Promise<Member & { live: Found[] }> {
  const { userId, principal } = identity;
  const { mx } = principal.tenant;
  const context = createCommandContext();
  const live: Found[] = [];
  let member = known;
  if (mx.kind !== "platform") {
    const directory = mx.kind === "mdx" ? mx.members : mx.directory;
    if (mx.kind !== "mdx") {
      live.push(await find("SSO user", () => mx.directory.findUser(userId, context)));
    }
    if (config.memberIds.source === "lookup") member = await lookUp(identity, context);
    const { member_id: memberId } = member;
    if (memberId !== null)
      live.push(await find("Member", () => directory.findMember({ memberId, userId }, context)));
  }
  if (mx.kind !== "sso") {
    const { platform } = mx;
    const what = config.mx.platform ? "Platform user" : "MDX user";
    live.push(await find(what, () => platform.readUser(userId, context)));
  }
  return { ...member, live };
}

async function lookUp(identity: Identity, context: RequestContext): Promise<Member> {
  const { subject, tenant } = identity.principal;
  if (subject === "") return from("the lookup, which needs --subject <sub>");
  try {
    const { lookedUp } = await tenant.findCredentials(identity, context);
    return fromId(tenant.memberIds.resolve(identity, lookedUp?.memberId).value);
  } catch (error) {
    return from(`the lookup, which gave no answer: ${toProblem(error)}`);
  }
}

type Answer = { guid?: string | undefined; isDisabled?: boolean } | undefined;

async function find(what: Found["what"], ask: () => Promise<Answer>): Promise<Found> {
  const unknown = { what, exists: null, guid: null, disabled: null, problem: null };
  try {
    const found = await ask();
    const { guid = null, isDisabled: disabled = null } = found ?? {};
    return { ...unknown, exists: found !== undefined, guid, disabled };
  } catch (error) {
    return { ...unknown, problem: toProblem(error) };
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
  const rows: [string, string][] = [
    ["tenant", report.tenant],
    ["MX user id", report.user_id],
    ["Member id", toMemberText(report)],
    ["user.hash", report.user_hash ?? `unknown. It needs ${report.user_hash_needs}`],
    ...(report.live ?? []).map((found): [string, string] => [found.what, toFoundText(found)]),
  ];
  return `${rows.map(([name, text]) => `${name.padEnd(15)}${text}`).join("\n")}\n`;
}

function toMemberText({ member_id: id, member_id_from: source }: Member): string {
  if (source !== null) return `comes from ${source}`;
  return id ?? "none, because no API with Members is configured";
}

function toFoundText({ exists, guid, disabled, problem }: Found): string {
  if (problem !== null) return `unknown: ${problem}`;
  if (!exists) return "does not exist";
  const state = disabled ? ", disabled" : ", enabled";
  return `exists, ${guid ?? "MX did not name the guid"}${disabled === null ? "" : state}`;
}

/** Whether MX answered every call. */
export function isComplete({ live = [] }: UserReport): boolean {
  return live.every(({ problem }) => problem === null);
}
