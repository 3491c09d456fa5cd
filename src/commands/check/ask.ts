/**
 * Calls an upstream as the service would: same TLS, same proxy, same time limits. Keeps the `Date` of its answers.
 */

import type { Config } from "../../config/load.ts";
import type { CertificateConfig } from "../../config/tls.ts";
import type { ClientCertificate } from "../../upstream/client-certificate.ts";
import type { ForwardProxy } from "../../upstream/connection.ts";
import {
  createExchange,
  type ExchangeRequest,
  type ExchangeResult,
} from "../../upstream/exchange.ts";
import type { Limits } from "../../upstream/limits.ts";

export type Asked = {
  host: string;
  /** How far our clock is ahead of the upstream's, in milliseconds, to about a second. */
  aheadMs: number;
};

export type Asker = {
  proxy: ForwardProxy | undefined;
  limits: Limits;
  ask(url: URL, request: ExchangeRequest): Promise<ExchangeResult>;
  clientCertificate: ClientCertificate | undefined;
  /** The same, with this certificate for hosts that ask for one. */
  showing(certificate: CertificateConfig | undefined): Asker;
  /** For calls that were made elsewhere. */
  noteDate(url: URL, result: ExchangeResult): void;
  /** Of each answer so far that had a `Date`. */
  clocks: readonly Asked[];
};

/** A user, a token and a session that nobody has. Well-formed, so that the answer is about nothing else. */
export const NOBODY = "mx-session-bff-check";

const MAX_ANSWER_BYTES = 64 * 1024;

type AskerOptions = Pick<Config, "proxy" | "allowPreloads"> & {
  /** Those of a session: what fails here fails there. */
  limits: Limits;
  /** Wall clock, in milliseconds since the epoch. */
  now: () => number;
};

export function createAsker({ proxy, allowPreloads, limits, now }: AskerOptions): Asker {
  const clocks: Asked[] = [];

  function noteDate(url: URL, result: ExchangeResult): void {
    if (result.kind === "answer" && result.dateMs !== undefined) {
      clocks.push({ host: url.host, aheadMs: now() - result.dateMs });
    }
  }

  const askWith = (clientCertificate: ClientCertificate | undefined): Asker => ({
    proxy,
    limits,
    clocks,
    noteDate,
    clientCertificate,
    showing: (certificate) => askWith(certificate && (() => certificate.pair)),
    async ask(url, request) {
      await using exchange = createExchange({
        origin: url.origin,
        connections: 1,
        maxResponseBytes: MAX_ANSWER_BYTES,
        proxy,
        clientCertificate,
        ...limits,
        allowListeners: allowPreloads,
      });
      const result = await exchange(request, limits.attemptMs);
      noteDate(url, result);
      return result;
    },
  });
  return askWith(undefined);
}
