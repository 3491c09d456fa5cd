import { describe, expect, it } from "vitest";
import * as z from "zod";
import { read, refuseOtherUser, requireGood, UserGuid } from "../../../src/mx/outcome.ts";
import { toWidgetUrl, type UrlRule } from "../../../src/mx/widget-url.ts";
import { answerOf } from "../fakes.ts";

const ANY_HTTPS: UrlRule = { allowHttp: false, origins: [] };
const SENT_AT = new Date("2026-11-20T12:00:00.500Z");

const accept = (url: unknown, rule: UrlRule = ANY_HTTPS) =>
  toWidgetUrl(rule, "connect_widget", url, SENT_AT);

describe("a widget URL of MX", () => {
  it.each([
    "https://int-widgets.moneydesktop.com/md/connect/jb1rA14m85tw2lyvpgfx4gc6d3Z8z8Ayb8",
    "https://widgets.example.com",
    "https://widgets.example.com/?a=1&b=%2F%2e%2E#/x//y",
    "https://WIDGETS.example.com:443/a/../b;c=(d)|{e}",
    "https://widgets.example.com/%zz",
    `https://widgets.example.com/${"x".repeat(4096 - "https://widgets.example.com/".length)}`,
  ])("is passed on byte for byte: %.60s", (url) => {
    expect(accept(url)?.url).toBe(url);
  });

  it("lives for ten minutes from the moment the call was sent", () => {
    expect(accept("https://widgets.example.com/x")).toEqual({
      type: "connect_widget",
      url: "https://widgets.example.com/x",
      expiresAt: new Date("2026-11-20T12:10:00.500Z"),
    });
  });

  it.each([
    ["missing", undefined],
    ["null", null],
    ["empty", ""],
    ["a number", 7],
    ["an object", { href: "https://widgets.example.com" }],
    ["plain http", "http://widgets.example.com/x"],
    ["plain http on loopback", "http://127.0.0.1/x"],
    ["javascript:", "javascript:alert(1)"],
    ["data:", "data:text/html,x"],
    ["without a scheme", "//widgets.example.com/x"],
    ["a path", "/md/connect/x"],
    ["without a host", "https://"],
    ["an impossible port", "https://widgets.example.com:99999/"],
    ["preceded by a space", " https://widgets.example.com/x"],
    ["followed by a space", "https://widgets.example.com/x "],
    ["followed by a line break", "https://widgets.example.com/x\n"],
    ["broken by a TAB", "https://widgets.exam\tple.com/x"],
    ["broken by CR and LF", "https://widgets.example.com/x\r\nSet-Cookie: a=b"],
    ["beyond ASCII", "https://widgets.example.com/é"],
    ["ended by NUL", "https://widgets.example.com/\0"],
    ["4097 characters", `https://widgets.example.com/${"x".repeat(4097 - 28)}`],
  ])("that is %s cannot be used", (_what, url) => {
    expect(accept(url)).toBeUndefined();
  });

  it("can be plain http where MX itself is", () => {
    const rule = { allowHttp: true, origins: [] };
    expect(accept("http://127.0.0.1:8081/widgets/x", rule)?.url).toBe(
      "http://127.0.0.1:8081/widgets/x",
    );
  });

  it.each(["http://widgets.example.com/x", "http://127.0.0.1.evil.example/x", "http://10.0.0.1/x"])(
    "can be plain http on loopback alone: %s",
    (url) => expect(accept(url, { allowHttp: true, origins: [] })).toBeUndefined(),
  );

  it.each([
    ["https://widgets.example.com/x", true],
    ["https://widgets.example.com:443/x", true],
    ["https://other.example.com/x", false],
    ["https://widgets.example.com:8443/x", false],
    ["https://widgets.example.com.evil.example/x", false],
    ["https://widgets.example.com@evil.example/x", false],
    ["https://evil.example/https://widgets.example.com", false],
    ["http://widgets.example.com/x", false],
  ])("%s with a list of one origin: %s", (url, isAccepted) => {
    const rule = { allowHttp: false, origins: ["https://widgets.example.com"] };
    expect(accept(url, rule)?.url).toBe(isAccepted ? url : undefined);
  });
});

describe("a user that an answer names", () => {
  const answer = answerOf("ok", { status: 200 });

  it.each([
    ["u-1", "u-1"],
    [null, "u-1"],
    [undefined, "u-1"],
    ["u-2", undefined],
  ])("%j passes where %j is ours", (named, own) => {
    expect(() => refuseOtherUser(answer, named, own)).not.toThrow();
  });

  it.each([["u-2"], ["U-1"], ["u-1 "], [""], [1], [["u-1"]]])("%j is not u-1", (named) => {
    expect(() => refuseOtherUser(answer, named, "u-1")).toThrow(
      expect.objectContaining({
        code: "upstream_bad_response",
        upstream: expect.objectContaining({ outcome: "invalid_response", reason: "other_user" }),
      }),
    );
  });
});

describe("the body of an answer", () => {
  const Body = z.object({ guid: UserGuid });

  it("is read where it has the documented shape", () => {
    expect(read(Body, answerOf("ok", { body: { guid: "USR-1", extra: 1 } }))).toEqual({
      guid: "USR-1",
    });
  });

  it.each([
    undefined,
    null,
    [],
    {},
    "text",
    { guid: null },
    { guid: "" },
    { guid: "MBR-1" },
    { guid: "usr-1" },
    { guid: "USR-../x" },
    { guid: "USR-1?k=" },
    { guid: `USR-${"1".repeat(256)}` },
  ])("is unusable where it is %j", (body) => {
    expect(() => read(Body, answerOf("ok", { body }))).toThrow(
      expect.objectContaining({
        code: "upstream_bad_response",
        upstream: expect.objectContaining({ reason: "schema" }),
      }),
    );
  });

  it("is not looked at where the outcome is not ok", () => {
    expect(() => requireGood(answerOf("throttled"))).toThrow(
      expect.objectContaining({ code: "upstream_unavailable" }),
    );
  });
});
