import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import type { RequestEntry } from "../../../src/telemetry/log-entries.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { withPrettyLines } from "../../../src/telemetry/pretty-lines.ts";

const REQUEST: RequestEntry = {
  method: "POST",
  route: "/session",
  status: 200,
  durationMs: 12.3,
  requestId: "0f8fad5b-d9cb-469f-a165-70867728950e",
  tenant: "bank",
  event: "session.opened",
  userHash: "dXNlcg",
  clientAddress: "192.0.2.7",
  widgetType: "connect_widget",
  mxCalls: 2,
  isClientGone: false,
  error: undefined,
  errorType: undefined,
};

async function open() {
  const written: string[] = [];
  const destination = await withPrettyLines({
    write: (line) => void written.push(line),
    flush() {},
    linesLost: () => 0,
    end: async () => {},
  });
  return { written, logger: createLogger("info", destination) };
}

/** Without the time, and with its colours. */
const text = (line = "") => line.replace(/^\[[\d:.]+\] /, "").replaceAll("\u001b", "");

describe("a line for people", () => {
  it("is short and coloured, with what happened first", async () => {
    const { logger, written } = await open();
    logger.request(REQUEST);
    expect(written.map(text)).toEqual([
      "[32mINFO[39m: [36mPOST /session 200 in 12.3 ms, session.opened, bank, connect_widget[39m\n",
    ]);
  });

  it("says why a request failed", async () => {
    const { logger, written } = await open();
    const upstream = {
      operation: "sso.read_user",
      outcome: "not_sent",
      reason: "econnrefused",
    } as const;
    const error = new AppError("upstream_unavailable", "x", { upstream });
    logger.request({
      ...REQUEST,
      status: 503,
      event: "session.failed",
      error,
      errorType: "upstream-unavailable",
    });
    expect(text(written[0])).toContain("[33mWARN[39m");
    expect(text(written[0])).toContain(
      "session.failed, bank, connect_widget, upstream-unavailable, sso.read_user, not_sent, econnrefused",
    );
  });

  it("is one for each event, and holds nothing that the JSON does not", async () => {
    const { logger, written } = await open();
    logger.lifecycle("listening", { port: 3000, operationsPort: 9090 });
    logger.change({ ...REQUEST, event: "user_created", tenant: "bank", userHash: "x" });
    logger.warning({ name: "a", message: "Something to know." });
    logger.fault(Object.assign(new Error("canary"), { body: "canary" }));
    expect(written).toHaveLength(4);
    for (const line of written) expect(line.match(/\n/g)).toHaveLength(1);
    expect(written.join("")).not.toContain("canary");
    expect(written[0]).toContain("listening, 3000, 9090");
    expect(written[1]).toContain("mx.user.created, bank");
    expect(written[2]).toContain("Something to know.");
  });
});
