/**
 * The types of the domain, and the ports that `mx` fills.
 *
 * Every function that waits takes the request's context as its last parameter.
 */

import type { Secret } from "../secret.ts";
import type { Budget } from "./budget.ts";

/** What a request carries from its admission to its answer. */
export type RequestContext = {
  /** What it may still spend at MX. */
  budget: Budget;
  /** Records that something was changed at MX for the user. Must not throw. */
  audit(event: SessionEvent): void;
  /** Records that a new user's profile had to come from the claims of the login after all. Must not throw. */
  profileFailed(error: unknown): void;
  /** Records that MX refused a new user's profile, and which fields of it were left out. Must not throw. */
  profileRefused(fields: readonly string[]): void;
};

export const SESSION_EVENTS = [
  "user_created",
  "member_created",
  "member_updated",
  /** The User was there, but not its Member: an earlier login had stopped halfway. */
  "user_healed",
] as const;

export type SessionEvent = (typeof SESSION_EVENTS)[number];

/** The caller, as proven by the partner's own login. Nothing in it comes from the request body. */
export type Principal = {
  issuer: string;
  subject: string;
  claims: Claims;
  tenant: Tenant;
  /** The access token that proved it, for the issuer's userinfo endpoint alone. A session cookie is none. */
  token?: Secret | undefined;
};

export type Claims = Readonly<Record<string, unknown>>;

export type MemberId = {
  value: string;
  /** MX's own guid: such a Member exists, or the partner is mistaken. It is never created. */
  isMxGuid: boolean;
  /** Nothing but the id has to show that the Member is this user's: it may be written to although MX names no owner. */
  provesOwner: boolean;
};

export type MemberIds = {
  /** The id to read before the lookup has answered; `undefined`: it is worth waiting for. Throws `forbidden`. */
  expected(identity: Identity): MemberId | undefined;
  /** `lookedUp` is the lookup's `member_id`, if any. Throws `forbidden` and `upstream_bad_response`. */
  resolve(identity: Identity, lookedUp: unknown): MemberId;
};

/** One partner (MX: Client) with its rules and its way to MX. */
export type Tenant = {
  name: string;
  toUserId(principal: Principal): string;
  memberIds: MemberIds;
  /** What MX may learn of a user that is about to be created. Never rejects. */
  findProfile(
    identity: Identity,
    lookedUp: LookedUp | undefined,
    context: RequestContext,
  ): Promise<Profile>;
  /** The Member's credentials; not used without the SSO API. */
  findCredentials(
    identity: Identity,
    context: RequestContext,
  ): MemberCredentials | Promise<MemberCredentials>;
  /** Body of `POST /session` -> the request to MX. Throws `invalid_request` that names each faulty field. */
  parseWidgetRequest(body: unknown): WidgetRequest;
  /** Of pages that may ask for its users. */
  corsOrigins: readonly string[];
  /** Whether the caller may have MX repeat something in its webhooks. */
  allowCallbackPayload: boolean;
  mx: MxApis;
};

/** Which of MX's APIs are configured decides how a user is provisioned and where the URL comes from. */
export type MxApis =
  | { kind: "platform"; platform: Platform }
  | { kind: "sso"; directory: SsoDirectory }
  | { kind: "both"; platform: Platform; directory: SsoDirectory }
  /** Users from MDX Real Time, URLs from the SSO API v3 or the Platform API, and Members of the users. */
  | { kind: "mdx"; platform: Platform; members: MemberDirectory };

/** The principal, and its id at MX. */
export type Identity = { userId: string; principal: Principal };

/** Optional fields of a new User, by MX's names, each in the shape that MX accepts. */
export type Profile = {
  first_name?: string;
  last_name?: string;
  email?: string;
  /** Ten digits. */
  phone?: string;
  /** `YYYY-MM-DD` */
  birthdate?: string;
  sex?: "MALE" | "FEMALE";
  credit_score?: number;
  zip_code?: string;
  /** JSON text; Platform API only. */
  metadata?: string;
};

export type MemberCredentials = {
  fields: readonly { name: "userkey" | "login" | "password"; response: string }[];
  /** Credentials that expire are sent to MX again on every login. */
  expires: boolean;
  lookedUp?: LookedUp;
};

/** What else is in the answer of the partner's lookup, unchecked. */
export type LookedUp = { memberId: unknown; profile: unknown };

/** What the caller requests, checked, with MX's names. */
export type WidgetRequest = {
  widgetType: string;
  options: Readonly<Record<string, unknown>>;
  /** Names of those that the caller chose, and not the operator. */
  callerOptions: readonly string[];
  /** From `Accept-Language`. */
  language?: string | undefined;
  /** From `X-Callback-Payload`: MX repeats it in its webhooks. */
  callbackPayload?: string | undefined;
};

/** Good for one use, within ten minutes. */
export type WidgetUrl = { type: string; url: string; expiresAt: Date };

/** MX's SSO API: the User and Member records that a login keeps current. */
export type SsoDirectory = MemberDirectory & {
  findUser(userId: string, context: RequestContext): Promise<SsoUser | undefined>;
  /** Returns the User that exists afterwards, whichever request created it. */
  createUser(user: NewUser, context: RequestContext): Promise<SsoUser>;
};

/** The Members of users, whichever API they are read and written with. */
export type MemberDirectory = {
  /** Of its operations. */
  readonly api: "sso" | "mdx";
  findMember(
    member: Pick<OwnedMember, "memberId" | "userId">,
    context: RequestContext,
  ): Promise<Member | undefined>;
  /** Gives the Member that exists already, if there is one. One that names another owner is refused. */
  createMember(
    member: OwnedMember,
    credentials: MemberCredentials,
    context: RequestContext,
  ): Promise<MemberCreation>;
  updateMember(
    member: OwnedMember,
    credentials: MemberCredentials,
    context: RequestContext,
  ): Promise<MemberUpdate>;
};

export type NewUser = { userId: string; profile: Profile };

export type SsoUser = {
  guid: string;
  /** By the partner or by MX, for good reasons: such a user gets no widget. */
  isDisabled: boolean;
  /** Created a moment ago, by this request or by another one that was faster. */
  isNew: boolean;
  /** Widget URLs of this very answer, by widget type. */
  widgetUrls: ReadonlyMap<string, WidgetUrl>;
};

/** As far as MX's answer said it. */
export type Member = {
  guid?: string | undefined;
  /** The owner, by MX's id and by the partner's. */
  userGuid?: string | undefined;
  userId?: string | undefined;
};

/** MX's guid of the user is known where MX's answer has named it. */
export type OwnedMember = {
  memberId: string;
  userId: string;
  userGuid: string | undefined;
  /** `new`: MX may not find the User yet. `late`: MX has just not found it, although it had a URL. Default: `known`. */
  user?: "known" | "new" | "late" | undefined;
};

/** `no_user`: the User is gone, so there is nothing to attach a Member to. */
export type MemberCreation = "created" | "no_user" | Member;

export type MemberUpdate = "updated" | "no_member";

/** Users, and URLs for every widget: MX's Platform API, or the SSO API v3 with MDX Real Time. */
export type UrlOperation = "platform.request_widget_url" | "sso_v3.request_widget_url";

export type Platform = {
  /** What a request for a URL is called in the log. */
  readonly urlOperation: UrlOperation;

  /** Costs a call only where MX wants its own guid in the path (v20111101) and it is not remembered. */
  findUser(userId: string, context: RequestContext): Promise<PlatformUser | undefined>;
  /** Asks MX in any case. A login of a known user needs no such read with v20250224. */
  readUser(userId: string, context: RequestContext): Promise<PlatformUser | undefined>;
  /** Returns the User that exists afterwards, whichever request created it. */
  createUser(user: NewUser, context: RequestContext): Promise<PlatformUser>;
  /**
   * `undefined`: MX says 404, which can mean the User or something that an option names. A User that `isNew` is waited for,
   * about a second. Throws `invalid_request` where MX refuses an option of the caller's.
   */
  requestWidgetUrl(
    user: PlatformPath,
    request: WidgetRequest,
    context: RequestContext,
  ): Promise<WidgetUrl | undefined>;
};

/** Of MX's Platform API. */
export type PlatformVersion = "v20250224" | "v20111101";

/** How MX's paths name a User. */
export type PlatformPath = {
  userId: string;
  /** The id in MX's path: a `USR-` guid, or the partner's id if MX accepts it. */
  pathId: string;
  /** MX has named the User in an answer to this request. */
  isConfirmed: boolean;
  /** MX may answer 404 for a moment after a create. */
  isNew: boolean;
};

/** As far as it is known: v20250224 needs no read of a known user. */
export type PlatformUser = PlatformPath & {
  guid?: string | undefined;
  isDisabled: boolean;
  /** MX refused a create because the user exists already. A 404 for it is then about something else. */
  wasThere?: boolean;
};
