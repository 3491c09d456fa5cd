/** Why there was no usable answer, the same for every upstream. */

import type { ClientName } from "../../config/tls.ts";
import type { CertificateReason } from "../../errors.ts";
import type { Failed } from "../../upstream/failure.ts";
import type { Judgement } from "./finding.ts";

const TLS_WORDS: Readonly<Record<string, { message: string; next: string }>> = {
  cert_has_expired: {
    message: "has a certificate that has expired",
    next: "Its operator has to renew the certificate. Also make sure that this machine's clock is right.",
  },
  cert_not_yet_valid: {
    message: "has a certificate that is not valid yet",
    next: "Make sure that this machine's clock is right.",
  },
  err_tls_cert_altname_invalid: {
    message: "has a certificate for another host name",
    next: "Use the name in the certificate, and make sure that the address belongs to the right server.",
  },
};

/** What a host says about our certificate. */
const REFUSALS: Readonly<Record<string, string>> = {
  client_certificate_required: "wants a client certificate",
  client_certificate_refused: "refuses the client certificate",
  client_certificate_unknown_ca: "does not trust the authority of the client certificate",
  client_certificate_expired: "refuses the client certificate because it has expired",
  client_certificate_revoked: "refuses the client certificate because it was revoked",
} satisfies Record<CertificateReason, string>;

const UNTRUSTED = {
  message: "has a certificate from an authority that is not trusted here",
  next: "If the authority is your own, or if your network inspects TLS, set NODE_EXTRA_CA_CERTS to a file with its certificate.",
};

const NO_TLS = {
  message: "does not speak TLS 1.2 or newer",
  next: "Make sure that the port is an https port.",
};

/** `host`: who was asked. `client`: which variables name the certificate that it would be shown; it may have none. */
export function judgeFailure(
  { failure, reason }: Failed,
  host: string,
  client?: ClientName,
): Judgement {
  const refusal = REFUSALS[reason];
  if (refusal) return judgeRefusal(refusal, host, client);
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
      return judgeNotSent(reason, host, client);
    case "timeout":
    case "silent":
      return {
        verdict: "no_answer",
        message: `${host} did not answer in time.`,
        next: "Make sure that it works, and that no firewall in between drops the packets.",
      };
    case "connection_lost":
    case "stale":
      return {
        verdict: "no_answer",
        message: `${host} closed the connection without an answer.`,
        next: `Make sure that it works, and that nothing in between cuts connections.${toHint(client)}`,
      };
    case "malformed":
      if (reason === "compressed") {
        return {
          verdict: "unexpected_answer",
          message: `${host} compresses its answer although the request forbids it.`,
          next: "Make it honour Accept-Encoding: identity. Often a CDN or a proxy in front of it compresses the answer.",
        };
      }
      return {
        verdict: "unexpected_answer",
        message: `${host} gave an answer that is not valid HTTP.`,
        next: "Make sure that host and port are right.",
      };
  }
}

function judgeNotSent(reason: string, host: string, client: ClientName | undefined): Judgement {
  if (reason === "enotfound" || reason === "eai_again") {
    return {
      verdict: "name_not_found",
      message: `The name of ${host} cannot be resolved.`,
      next: "Check the spelling of the name, and make sure that DNS works on this machine.",
    };
  }
  if (reason === "econnreset" && client) {
    return {
      verdict: "unreachable",
      message: `${host} closes connections before they are set up.`,
      next: `Make sure that host and port are right, and that the port is an https port.${toHint(client)}`,
    };
  }
  const how = reason === "econnrefused" ? "refuses connections" : "cannot be reached";
  return {
    verdict: "unreachable",
    message: `${host} ${how}.`,
    next: "Make sure that host and port are right, and that no firewall blocks this machine. If your network needs a proxy, set HTTPS_PROXY.",
  };
}

const PROXY_ADVICE: Readonly<Record<string, string>> = {
  407: "Put the proxy's user name and password into HTTPS_PROXY, percent-encoded.",
  403: "Make the proxy allow this host, or reach it directly with NO_PROXY.",
};

function judgeProxyStatus(status: string, host: string): Judgement {
  return {
    verdict: "proxy_refused",
    message: `The proxy refuses to connect to ${host} (${status}).`,
    next: PROXY_ADVICE[status] ?? "The proxy may be unable to reach the host. Look at its log.",
  };
}

/** Not every host says why it closes a connection. */
function toHint(client: ClientName | undefined): string {
  return client ? ` If it wants a client certificate, check ${client}_CERT_FILE.` : "";
}

function judgeRefusal(refusal: string, host: string, client: ClientName | undefined): Judgement {
  const isMissing = refusal === REFUSALS.client_certificate_required;
  const files = `${client}_CERT_FILE and ${client}_KEY_FILE`;
  const next = isMissing
    ? `Set ${files} to a pair that ${host} trusts.`
    : `Put a pair that ${host} trusts into ${files}, with the certificates that lead to its authority. Its log says what is wrong.`;
  return {
    verdict: isMissing ? "client_certificate_missing" : "client_certificate_refused",
    message: `${host} ${refusal}.`,
    next: client ? next : "Ask its operator: the service has no client certificate for it.",
  };
}
