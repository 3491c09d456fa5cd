import { describe, expect, it } from "vitest";
import { createParserRefusalLog } from "../../../src/http/parser-refusals.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";

describe("the log of what the parser refuses", () => {
  it("has one line a minute and kind, with how many came since the last", () => {
    const log: string[] = [];
    const clock = { ms: 5000 };
    const logger = createLogger("info", { write: (line) => void log.push(line) });
    const refuse = createParserRefusalLog(logger, () => clock.ms);
    const told = () =>
      log.splice(0).map((line) => {
        const { "error.reason": kind, count } = JSON.parse(line);
        return [kind, count];
      });

    for (let count = 0; count < 500; count += 1) refuse("tls");
    refuse("http2");
    expect(told()).toEqual([
      ["tls", 1],
      ["http2", 1],
    ]);

    clock.ms += 59_999;
    refuse("tls");
    expect(told()).toEqual([]);

    clock.ms += 1;
    refuse("tls");
    refuse("tls");
    expect(told()).toEqual([["tls", 501]]);
  });
});
