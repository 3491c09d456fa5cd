/** The request for a widget URL, to both APIs that make one. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Failure, MxCall, Send } from "../../../src/mx/call.ts";
import { createPlatform } from "../../../src/mx/platform.ts";
import { createSsoV3Urls } from "../../../src/mx/sso-v3.ts";
import { createBudget } from "../../../src/session/budget.ts";
import type { PlatformPath, WidgetRequest } from "../../../src/session/types.ts";
import { answerOf, mxAnswering, widgetRequest } from "../fakes.ts";

beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
afterEach(() => void vi.useRealTimers());

const RULE = { urlRule: { allowHttp: false, origins: [] } };
const URL_OF_MX = "https://widgets.example.com/x";
const KNOWN: PlatformPath = { userId: "u/1", pathId: "u/1", isConfirmed: false, isNew: false };
const NEW: PlatformPath = { ...KNOWN, isNew: true };

type Api = {
  urls: (send: Send) => Pick<ReturnType<typeof createPlatform>, "requestWidgetUrl">;
  good: object;
  call: Partial<MxCall>;
  /** Whether `X-Callback-Payload` goes along. */
  callsBack: boolean;
};

const APIS: [string, Api][] = [
  [
    "the Platform API",
    {
      urls: (send) => createPlatform(send, { version: "v20250224", ...RULE }),
      good: { widget_url: { url: URL_OF_MX, user_guid: "USR-1", guid: "USR-1" } },
      call: {
        operation: "platform.request_widget_url",
        path: "/users/u%2F1/widget_urls",
        body: { widget_url: { widget_type: "connect_widget", ui_message_version: 4 } },
      },
      callsBack: true,
    },
  ],
  [
    "the SSO API v3",
    {
      urls: (send) => createSsoV3Urls(send, RULE),
      good: { url: { url: URL_OF_MX } },
      call: {
        operation: "sso_v3.request_widget_url",
        path: "/users/u%2F1/urls.json",
        body: { url: { type: "connect_widget", ui_message_version: 4 } },
      },
      callsBack: false,
    },
  ],
];

describe.each(APIS)("a URL of %s", (_name, { urls, good, call, callsBack }) => {
  async function ask(
    answers: (Failure | object)[],
    user = NEW,
    parts: Partial<WidgetRequest> = {},
    deadlineMs = 8000,
  ) {
    const { send, calls, context } = mxAnswering(...answers);
    const startedAt = performance.now();
    const budget = createBudget({ deadlineMs });
    const request = { ...widgetRequest(), ...parts };
    const asking = urls(send)
      .requestWidgetUrl(user, request, { ...context, budget })
      .catch((error: unknown) => error);
    await vi.runAllTimersAsync();
    return { result: await asking, calls, ms: performance.now() - startedAt };
  }

  it("is requested for the user, with the options", async () => {
    const { result, calls } = await ask([good]);
    expect(result).toMatchObject({ type: "connect_widget", url: URL_OF_MX });
    expect(calls).toEqual([
      { ...call, userId: "u/1", kind: "widget_url", method: "POST", hasCallerOptions: false },
    ]);
  });

  it.each([
    [{ language: "fr-CA" }, { "accept-language": "fr-CA" }, undefined],
    [{ callbackPayload: "cGF5" }, undefined, { "x-callback-payload": "cGF5" }],
    [
      { language: "fr-CA", callbackPayload: "cGF5" },
      { "accept-language": "fr-CA" },
      { "x-callback-payload": "cGF5" },
    ],
  ])("is requested with what the caller's headers say: %j", async (parts, language, payload) => {
    const { calls } = await ask([good], KNOWN, parts);
    const sent = { ...language, ...(callsBack && payload) };
    expect(calls[0]?.headers).toEqual(Object.keys(sent).length > 0 ? sent : undefined);
  });

  it("says whether an option of the caller's is on board", async () => {
    const { calls } = await ask([good], KNOWN, { callerOptions: ["color_scheme"] });
    expect(calls[0]).toMatchObject({ hasCallerOptions: true });
    const calledBack = await ask([good], KNOWN, { callbackPayload: "cGF5" });
    expect(calledBack.calls[0]).toMatchObject({ hasCallerOptions: callsBack });
  });

  it.each([
    [0, ["not_found", good], KNOWN, 1],
    [300, ["not_found", good], NEW, 2],
    [1000, ["not_found", "not_found", good], NEW, 3],
    [1000, ["not_found"], NEW, 3],
  ] as const)("is waited for %i ms where the User is new", async (ms, answers, user, tries) => {
    const asked = await ask([...answers], user);
    expect(asked.calls).toHaveLength(tries);
    expect(asked.ms).toBe(ms);
    if (answers.at(-1) === good && tries > 1)
      expect(asked.result).toMatchObject({ url: URL_OF_MX });
    else expect(asked.result).toBeUndefined();
  });

  it("is refused where it cannot be used", async () => {
    const unsafe = JSON.parse(JSON.stringify(good).replace("https:", "http:"));
    expect((await ask([unsafe])).result).toMatchObject({
      code: "upstream_bad_response",
      upstream: { operation: call.operation, reason: "widget_url" },
    });
  });

  it("is not waited for without the time to try again", async () => {
    const { result, calls, ms } = await ask(["not_found"], NEW, {}, 500);
    expect([result, calls.length, ms]).toEqual([undefined, 1, 0]);
  });

  it.each<[Partial<WidgetRequest>, string]>([
    [{ callerOptions: ["locale"] }, "/widget_url/locale"],
    [{ callerOptions: ["locale", "style"] }, "/widget_url"],
    [{ callerOptions: [], callbackPayload: "cGF5" }, "/widget_url"],
    [{ callerOptions: ["locale"], callbackPayload: "cGF5" }, "/widget_url"],
  ])("that MX refuses for an option of %j names what can be named", async (parts, pointer) => {
    const refused = answerOf("option_rejected", { status: 422 });
    const { result } = await ask([refused], KNOWN, parts);
    const { operation } = call;
    expect(result).toMatchObject({
      code: "invalid_request",
      errors: [{ pointer }],
      upstream: { operation, outcome: "option_rejected", status: 422 },
    });
  });
});
