/**
 * P10: optional parts may fail. An issuer that does not answer stops nobody whose keys are known.
 *
 * Keys are refreshed every ten minutes. So as not to wait for that, a token with an unknown key id asks for them at once.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Figure, judge, waits } from "../figures.ts";
import type { PartContext } from "../part.ts";
import { createSign } from "../tokens.ts";

export async function measureJwksOutage({ rig, peak, pick }: PartContext): Promise<Figure[]> {
  const { issuer } = rig;
  await using replica = await rig.startReplica();
  const signUnknown = createSign({ ...issuer.keys.es256, id: "unknown" }, issuer);
  const durationMs = pick(24_000, 3000);
  const askedBefore = issuer.requests();

  const loading = rig.load({
    port: replica.port,
    ratePerSecond: 0.5 * peak,
    durationMs,
    users: "pool",
  });
  issuer.fail("silence");
  const unknown = await fetch(`http://127.0.0.1:${replica.port}/session`, {
    method: "POST",
    headers: { authorization: `Bearer ${signUnknown("nobody")}` },
  });
  await sleep(durationMs / 2);
  issuer.fail("500");
  const { total, others } = await loading;
  issuer.fail(undefined);

  const failed = total.sent - total.ok;
  const asked = issuer.requests() - askedBefore;
  return [
    judge(
      "P10",
      "issuer hangs, then answers 500, keys are warm: failed",
      `${failed} of ${total.sent}${failed > 0 ? ` ${JSON.stringify(others)}` : ""}`,
      "0",
      failed === 0,
    ),
    judge("P10", "issuer was asked meanwhile", `${asked} times`, "≥ 1", asked >= 1),
    judge(
      "P10",
      "a token of an unknown key meanwhile",
      String(unknown.status),
      "401",
      unknown.status === 401,
    ),
    waits("P10", "telemetry sink gone", "a test: tracing.test.ts"),
  ];
}
