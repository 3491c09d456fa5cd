/** Whether the forward proxy can be reached. What it refuses shows at the upstreams that are asked through it. */

import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ForwardProxy } from "../../upstream/connection.ts";
import { toTransportReason } from "../../upstream/failure.ts";
import type { Limits } from "../../upstream/limits.ts";
import type { Judgement } from "./finding.ts";
import { judgeFailure } from "./no-answer.ts";

export function toProxyTarget({ url }: ForwardProxy): string {
  return new URL(url.reveal()).host;
}

export async function checkProxy(
  { url: secret }: ForwardProxy,
  { connectTimeoutMs }: Limits,
): Promise<Judgement> {
  const url = new URL(secret.reveal());
  const isTls = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (isTls ? 443 : 80);
  const signal = AbortSignal.timeout(connectTimeoutMs);
  const socket = isTls ? connectTls({ host, port, servername: host }) : connect({ host, port });
  try {
    await once(socket, isTls ? "secureConnect" : "connect", { signal });
    return { verdict: "ok", message: `${url.host} accepts connections.` };
  } catch (error) {
    const reason = toTransportReason(String((error as NodeJS.ErrnoException).code));
    const isCertificate = isTls && /cert|self_signed|unable_to|err_ssl|err_tls/.test(reason);
    const failure = isCertificate ? "tls_error" : "not_sent";
    const { message, next } = judgeFailure({ kind: "failure", failure, reason }, url.host);
    return { verdict: "proxy_unreachable", message, next: `HTTPS_PROXY: ${next}` };
  } finally {
    socket.on("error", () => {}).destroy();
  }
}
