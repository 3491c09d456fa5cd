import { describe, expect, it } from "vitest";
import { formatTraceparent, parseTraceparent } from "../../../src/telemetry/tracing.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("a traceparent", () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, 1],
    [`00-${TRACE}-${SPAN}-00`, 0],
    [`00-${TRACE}-${SPAN}-ff`, 1],
    [`cc-${TRACE}-${SPAN}-01-what-a-later-version-adds`, 1],
  ])("%s is valid", (header, traceFlags) => {
    const parsed = parseTraceparent(header);
    expect(parsed).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags, isRemote: true });
    expect(parsed && formatTraceparent(parsed)).toBe(`00-${TRACE}-${SPAN}-0${traceFlags}`);
  });

  it.each([
    "",
    "00",
    `00-${TRACE}-${SPAN}`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `00-${TRACE}-${SPAN}-0g`,
  ])("%j is not", (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });
});
