/** Makers of domain values and stand-ins at the ports, for the unit tests. */

import type { JSONWebKeySet } from "jose";
import type { TenantTrust } from "../../src/auth/claims.ts";
import type {
  Answer,
  FailedAnswer,
  Failure,
  GoodAnswer,
  MxCall,
  Outcome,
  Send,
} from "../../src/mx/call.ts";
import { type Budget, createBudget } from "../../src/session/budget.ts";
import { createMemberIds } from "../../src/session/member.ts";
import type {
  Claims,
  Identity,
  Platform,
  Principal,
  RequestContext,
  SessionEvent,
  SsoDirectory,
  SsoUser,
  Tenant,
  WidgetRequest,
  WidgetUrl,
} from "../../src/session/types.ts";
import type { Exchange, ExchangeRequest, ExchangeResult } from "../../src/upstream/exchange.ts";

/** Public keys that differ in their names alone. Source: RFC 7517, appendix A.1. */
export function keySetOf(...kids: string[]): JSONWebKeySet {
  const key = {
    kty: "EC",
    crv: "P-256",
    x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    alg: "ES256",
  };
  return { keys: kids.map((kid) => ({ ...key, kid })) };
}

/** For fast-check: the same cases in every run. */
export const SEED = 20_261_120;

/** A budget whose clock stands still. */
export function frozenBudget(deadlineMs = 8000): Budget {
  return createBudget({ deadlineMs, now: () => 0 });
}

/** Of a request with that budget, which changes nothing at MX that anybody is told of. */
export function contextOf(budget = frozenBudget()): RequestContext {
  return { budget, audit() {}, profileFailed() {}, profileRefused() {} };
}

/** Lets everything that is ready run, without waiting for a clock. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

export function tenantOf(parts: Partial<Tenant> = {}): Tenant {
  return {
    name: "bank",
    toUserId: (principal) => principal.subject,
    memberIds: createMemberIds({ source: "template", template: "M-{user_id}" }),
    findProfile: async () => ({}),
    findCredentials: async () => ({
      fields: [{ name: "userkey", response: "key-1" }],
      expires: false,
    }),
    parseWidgetRequest: () => widgetRequest(),
    corsOrigins: [],
    allowCallbackPayload: false,
    mx: { kind: "platform", platform: platformOf() },
    ...parts,
  };
}

/** The trust in `https://login.example.com` for one tenant. */
export function trustOf(parts: Partial<TenantTrust> = {}): TenantTrust {
  return {
    tenant: tenantOf(),
    issuers: ["https://login.example.com"],
    claim: undefined,
    audience: ["mx-session"],
    audienceClaim: "aud",
    maxLifetimeMs: 24 * 60 * 60 * 1000,
    userIdClaim: "sub",
    ...parts,
  };
}

export function principalOf(claims: Claims = { sub: "u-1" }, tenant = tenantOf()): Principal {
  return { issuer: "https://login.example.com", subject: "u-1", claims, tenant };
}

export function identityOf(parts: Partial<Identity> = {}): Identity {
  return { userId: "u-1", principal: principalOf(), ...parts };
}

export function widgetRequest(widgetType = "connect_widget"): WidgetRequest {
  return {
    widgetType,
    options: { widget_type: widgetType, ui_message_version: 4 },
    callerOptions: [],
  };
}

export function widgetUrl(name = "fresh", type = "connect_widget"): WidgetUrl {
  return {
    type,
    url: `https://widgets.example.com/${name}`,
    expiresAt: new Date("2026-11-20T12:10:00Z"),
  };
}

export function ssoUserOf(parts: Partial<SsoUser> = {}): SsoUser {
  const url = widgetUrl("sso", "master_widget");
  return {
    guid: "USR-1",
    isDisabled: false,
    isNew: false,
    widgetUrls: new Map([["master_widget", url]]),
    ...parts,
  };
}

const unexpected = () => Promise.reject(new Error("this call was not expected"));

export function platformOf(parts: Partial<Platform> = {}): Platform {
  return {
    urlOperation: "platform.request_widget_url",
    findUser: unexpected,
    readUser: unexpected,
    createUser: unexpected,
    requestWidgetUrl: unexpected,
    ...parts,
  };
}

export function directoryOf(parts: Partial<SsoDirectory> = {}): SsoDirectory {
  return {
    api: "sso",
    findUser: unexpected,
    createUser: unexpected,
    findMember: unexpected,
    createMember: unexpected,
    updateMember: unexpected,
    ...parts,
  };
}

export function answerOf(outcome: "ok", parts?: Partial<GoodAnswer>): GoodAnswer;
export function answerOf(outcome: Failure, parts?: Partial<FailedAnswer>): FailedAnswer;
export function answerOf(
  outcome: Outcome,
  parts?: Partial<Pick<FailedAnswer, "operation" | "retryAfterSeconds">>,
): Answer;
export function answerOf(outcome: Outcome, parts: object = {}): Answer {
  const common = { operation: "sso.read_user", sentAt: new Date("2026-11-20T12:00:00Z") } as const;
  if (outcome === "ok") return { ...common, outcome, status: 200, body: undefined, ...parts };
  return { ...common, outcome, ...parts };
}

/**
 * An MX that answers these, one after the other, and the last one from then on: an outcome, a whole answer, or the body of
 * a good one. What it is asked is kept, and what is audited.
 */
export function mxAnswering(...answers: (Failure | object)[]) {
  const calls: MxCall[] = [];
  const events: SessionEvent[] = [];
  const send: Send = async (call) => {
    const answer = answers[Math.min(calls.length, answers.length - 1)] ?? {};
    calls.push(call);
    const { operation } = call;
    if (typeof answer === "string") return answerOf(answer, { operation });
    if ("outcome" in answer) return { ...(answer as Answer), operation };
    return answerOf("ok", { operation, body: answer });
  };
  const context = { ...contextOf(), audit: (event: SessionEvent) => void events.push(event) };
  const operations = () => calls.map(({ operation }) => operation);
  return { send, calls, events, context, operations };
}

type FakeExchange = Exchange & {
  requests: (ExchangeRequest & { timeoutMs: number })[];
};

export function exchangeGiving(result: ExchangeResult): FakeExchange {
  const requests: FakeExchange["requests"] = [];
  const exchange: Exchange = async (request, timeoutMs) => {
    requests.push({ ...request, timeoutMs });
    return result;
  };
  return Object.assign(exchange, { requests });
}

export function answered(
  text: string,
  parts: Partial<Extract<ExchangeResult, { kind: "answer" }>> = {},
): ExchangeResult {
  return {
    kind: "answer",
    status: 200,
    contentType: "application/json",
    retryAfterSeconds: undefined,
    text,
    ...parts,
  };
}
