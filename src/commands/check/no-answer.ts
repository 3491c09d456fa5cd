/** Why there was no usable answer at all, the same for every upstream. */

import type { ExchangeResult } from "../../upstream/exchange.ts";
import type { Judgement } from "./finding.ts";

export type Failure = Extract<ExchangeResult, { kind: "failure" }>;

const TLS_WORDS: Readonly<Record<string, { message: string; next: string }>> = {
  cert_has_expired: {
    message: "has a certificate that has expired",
    next: "Whoever runs it has to renew the certificate; make sure that this machine's clock is right, too.",
  },
  cert_not_yet_valid: {
    message: "has a certificate that is not valid yet",
    next: "Make sure that this machine's clock is right.",
  },
  err_tls_cert_altname_invalid: {
    message: "has a certificate for another host name",
    next: "Use the name that the certificate was made for; or somebody else answers at this address.",
  },
};

const UNTRUSTED = {
  message: "has a certificate of an authority that is not trusted here",
  next: "Where the authority is your own, or your network inspects TLS, name a file with its certificate in NODE_EXTRA_CA_CERTS.",
};

const NO_TLS = {
  message: "does not speak TLS as it is needed (1.2 or newer)",
  next: "Make sure that the port is one for https.",
};

/** `host`: who was asked. */
export function judgeFailure({ failure, reason }: Failure, host: string): Judgement {
  const proxyStatus = /^proxy_(\d{3})$/.exec(reason)?.[1];
  if (proxyStatus) return judgeProxyStatus(proxyStatus, host);
  switch (failure) {
    case "tls_error": {
      const words = TLS_WORDS[reason] ?? (reason.startsWith("err_ssl") ? NO_TLS : UNTRUSTED);
      return {
        verdict: "certificate_refused",
        message: `${host} ${words.message}.`,
        next: words.next,
      };
    }
    case "not_sent":
      return judgeNotSent(reason, host);
    case "timeout":
      return {
        verdict: "no_answer",
        message: `${host} did not answer in time.`,
        next: "Make sure that it works, and that no firewall on the way swallows the packets.",
      };
    case "connection_lost":
    case "stale":
      return {
        verdict: "no_answer",
        message: `${host} closed the connection without an answer.`,
        next: "Make sure that it works, and that nothing on the way cuts connections.",
      };
    case "malformed":
      if (reason === "compressed") {
        return {
          verdict: "unexpected_answer",
          message: `${host} compresses its answer, although it was asked not to.`,
          next: "Have it honour Accept-Encoding: identity; often a CDN or a proxy in front of it compresses.",
        };
      }
      return {
        verdict: "unexpected_answer",
        message: `${host} gave an answer that is not acceptable HTTP.`,
        next: "Make sure that host and port are right.",
      };
  }
}

function judgeNotSent(reason: string, host: string): Judgement {
  if (reason === "enotfound" || reason === "eai_again") {
    return {
      verdict: "name_not_found",
      message: `The name of ${host} cannot be resolved.`,
      next: "Look for a slip in the name, and make sure that DNS works on this machine.",
    };
  }
  const how = reason === "econnrefused" ? "refuses connections" : "cannot be reached";
  return {
    verdict: "unreachable",
    message: `${host} ${how}.`,
    next: "Make sure that host and port are right, and that firewalls let this machine out; where the only way out is a proxy, set HTTPS_PROXY.",
  };
}

function judgeProxyStatus(status: string, host: string): Judgement {
  const next =
    status === "407"
      ? "Put the proxy's user name and password into HTTPS_PROXY, percent-encoded."
      : status === "403"
        ? "Have the proxy allow this host; or reach it directly with NO_PROXY."
        : "The proxy may not reach the host itself: look into its log.";
  return {
    verdict: "proxy_refused",
    message: `The proxy opens no way to ${host} (${status}).`,
    next,
  };
}
