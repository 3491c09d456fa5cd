/** What asking one party has shown: a verdict out of a closed set, in words, with the next step. */

export type Party =
  | "issuer"
  | "platform_api"
  | "sso_api"
  | "mdx"
  | "credential_lookup"
  | "introspection"
  | "session_check"
  | "redis"
  | "egress_proxy"
  | "clock";

export type Verdict =
  | "ok"
  /** It knows us, and does not take the key, the token or the password. */
  | "key_refused"
  | "client_refused"
  | "address_not_listed"
  /** MX's SSO API keeps silent about both alike. */
  | "key_or_address_refused"
  | "wrong_version"
  /** Somebody answers there, but it is not this party. */
  | "wrong_address"
  | "wrong_issuer"
  | "no_usable_key"
  /** A login that was made up is taken for a good one. */
  | "accepts_anything"
  | "read_only"
  | "rate_limited"
  | "unavailable"
  | "unexpected_answer"
  | "name_not_found"
  | "unreachable"
  | "no_answer"
  | "certificate_refused"
  | "proxy_refused"
  | "proxy_unreachable"
  | "clock_off";

/** Neither holds a secret, an id or a text of the party. */
export type Judgement = {
  verdict: Verdict;
  /** One sentence. */
  message: string;
  /** What to do about it; nothing where all is well. */
  next?: string;
};

export type Finding = Judgement & {
  party: Party;
  /** Host and port, or the path of a file: never credentials, never a query. */
  target: string;
  /** Where the party is one tenant's own. */
  tenant?: string;
};
