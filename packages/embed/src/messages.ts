/**
 * The messages of MX's widgets, version 4.
 *
 * Sources: MX, Widget events; widget-post-message-definitions; for what that package lacks, the code of
 * mxenabled/connect-widget (`onPostMessage`, commit 1078035).
 */

type Guids = { user_guid?: string; session_guid?: string };
type MemberGuid = Guids & { member_guid: string };
type MemberStatus = Guids & { member: { guid: string; connection_status: number } };
type MicrodepositGuid = Guids & { microdeposit_guid: string };

/** Each is also an event of the element, with the metadata as `detail`. */
export type MessageMap = {
  "mx/load": Guids;
  "mx/ping": Guids;
  "mx/navigation": Guids & { did_go_back: boolean };
  "mx/focusTrap": Guids;
  "mx/account/created": Guids & { guid: string };
  "mx/client/oauthComplete": Guids & { url?: string };
  "mx/pulse/overdraftWarning/cta/transferFunds": Guids & { account_guid: string; amount: number };
  "mx/connect/loaded": Guids & { initial_step: string };
  "mx/connect/stepChange": Guids & { previous: string; current: string };
  "mx/connect/institutionSearch": Guids & { query: string };
  "mx/connect/selectedInstitution": Guids & {
    code: string;
    guid: string;
    name: string;
    url: string;
  };
  "mx/connect/enterCredentials": Guids & { institution: { code: string; guid: string } };
  "mx/connect/updateCredentials": MemberGuid & { institution: { code: string; guid: string } };
  "mx/connect/submitMFA": MemberGuid;
  "mx/connect/oauthRequested": MemberGuid & { url: string };
  "mx/connect/oauthError": Guids & { member_guid?: string; error_reason?: string };
  /** A number here, a word in MX's REST API. */
  "mx/connect/memberStatusUpdate": MemberGuid & { connection_status: number };
  /** MX deprecated it on 17 October 2025; use `memberConnected`. */
  "mx/connect/initialDataReady": MemberGuid;
  "mx/connect/memberConnected": MemberGuid;
  "mx/connect/connected/primaryAction": Guids;
  "mx/connect/memberError": MemberStatus;
  "mx/connect/memberError/primaryAction": MemberStatus;
  "mx/connect/createMemberError": Guids & { institution_guid: string; institution_code: string };
  "mx/connect/memberDeleted": MemberGuid;
  "mx/connect/invalidData": MemberGuid & { code: number };
  "mx/connect/backToSearch": Guids & { context?: string };
  "mx/connect/backButtonClicked": Guids;
  "mx/connect/microdeposits/loaded": Guids & { initial_step: string };
  "mx/connect/microdeposits/blockedRoutingNumber": Guids & {
    routing_number: string;
    reason: string;
  };
  "mx/connect/microdeposits/detailsSubmitted": MicrodepositGuid;
  "mx/connect/microdeposits/verified": MicrodepositGuid;
  "mx/connect/microdeposits/verified/primaryAction": Guids;
  "mx/connect/microdeposits/comeBack/primaryAction": MicrodepositGuid;
  "mx/connect/microdeposits/error/primaryAction": Guids & { guid: string; status: string };
};

/** `type` is in MX's spelling, however it arrived. MX may add types, so have a default for what is not listed. */
export type WidgetMessage = {
  [K in keyof MessageMap]: { type: K; metadata: MessageMap[K] };
}[keyof MessageMap];

const TYPES = [
  "load ping navigation focusTrap account/created client/oauthComplete pulse/overdraftWarning/cta/transferFunds",
  "loaded stepChange institutionSearch selectedInstitution enterCredentials updateCredentials submitMFA " +
    "oauthRequested oauthError memberStatusUpdate initialDataReady memberConnected connected/primaryAction " +
    "memberError memberError/primaryAction createMemberError memberDeleted invalidData backToSearch backButtonClicked",
  "loaded blockedRoutingNumber detailsSubmitted verified verified/primaryAction comeBack/primaryAction error/primaryAction",
].flatMap((names, line) =>
  names.split(" ").map((name) => `mx/${["", "connect/", "connect/microdeposits/"][line]}${name}`),
);

export type ReadMessage = {
  type: string;
  /** Unknown types make no event of their own, or a widget could make any event happen. */
  isKnown: boolean;
  metadata: Record<string, unknown>;
};

/** `undefined` for anything that is not of MX's form. */
export function readMessage(data: unknown): ReadMessage | undefined {
  const { mx, type, metadata } = (data ?? {}) as Record<string, unknown>;
  if (mx !== true || typeof type !== "string") return undefined;
  const known = TYPES.find((name) => name.toLowerCase() === type.toLowerCase()); // MX may send lower case.
  return {
    type: known ?? type,
    isKnown: Boolean(known),
    metadata: (metadata ?? {}) as Record<string, unknown>,
  };
}
