/**
 * embed.js when there is no widget: whose fault it is, in an event; and nothing is asked for without need.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROBLEM_TYPES } from "../../src/http/problem-types.ts";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import { type Answer, startEmbedHost, visitHost } from "../support/embed-host.ts";
import { isInstalled } from "../support/installed.ts";

const isThere = isInstalled("chromium");
let browser: TestBrowser;
beforeAll(async () => {
  if (isThere) browser = await startBrowser();
});
afterAll(() => browser?.[Symbol.asyncDispose]());

const open = (getToken: string, rest = "") =>
  `window.w = openWidget("#place", { getToken: ${getToken}, ${rest} }); undefined`;
const TRY_AGAIN_LATER = [401, 429, 500, 502, 503, 504];

describe.skipIf(!isThere)("getToken (skipped without chromium)", () => {
  it("may take its time, as for a login", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(
      open("() => new Promise((resolve) => { window.logIn = resolve; })", "loadTimeoutMs: 50"),
    );
    await visit.run("new Promise((resolve) => setTimeout(resolve, 150))");
    expect(await visit.run("w.state")).toBe("loading");
    expect(host.requests).toEqual([]);
    await visit.run("w.loadTimeoutMs = 5000; logIn('a.b.c'); undefined");
    await visit.until("open");
  });

  it("is asked once more, for a fresh token, where the service refuses the first", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer(toAnswer("unauthenticated"), "widget");

    await visit.run(open("({ isRefresh }) => isRefresh ? 'fresh.b.c' : 'expired.b.c'"));
    await visit.until("open");

    expect(host.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer expired.b.c",
      "Bearer fresh.b.c",
    ]);
    expect((await visit.events()).filter(({ event }) => event === "mx-error")).toEqual([]);
  });

  it("is not asked a third time", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer(toAnswer("unauthenticated"));

    await visit.run(open("() => 'a.b.c'"));
    await visit.until("error");

    expect(host.requests).toHaveLength(2);
    expect(await visit.events()).toMatchObject([{ event: "mx-error", code: "unauthenticated" }]);
  });

  it("that gives no token is reported, and the service is not asked", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    await visit.run(open("() => 'a.b.c'"));
    await visit.until("open");
    host.requests.length = 0;

    for (const [getToken, message] of [
      [`() => { throw new Error("no login"); }`, "getToken has failed."],
      [`async () => { throw new Error("no login"); }`, "getToken has failed."],
      ["() => undefined", "alone, as a string"],
      ["() => ({ access_token: 'a.b.c' })", "alone, as a string"],
      ["() => 'Bearer a.b.c'", "alone, as a string"],
      ["() => 'a\\r\\nX-Evil: 1'", "alone, as a string"],
    ]) {
      await visit.run(`seen.length = 0; w.getToken = ${getToken}; w.open(); undefined`);
      await visit.until("error");
      expect({ getToken, events: await visit.events() }).toEqual({
        getToken,
        events: [
          expect.objectContaining({
            event: "mx-error",
            code: "token-failed",
            message: expect.stringContaining(message ?? ""),
            isRetryable: true,
          }),
        ],
      });
    }
    expect(host.requests).toEqual([]);
    expect(visit.complaints).toEqual([]);
  });

  it("that throws is reported with what it has thrown", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(
      open(
        `() => { throw new Error("no login"); }`,
        "onError: (error) => { window.cause = error.cause.message; }",
      ),
    );
    await visit.until("error");
    expect(await visit.run("cause")).toBe("no login");
  });
});

describe.skipIf(!isThere)("an answer that is no widget (skipped without chromium)", () => {
  it("is the problem that it is, for each type, and asks for nothing by itself", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    await visit.run(open("() => 'a.b.c'"));
    await visit.until("open");
    await visit.run("stopClock()");

    for (const [code, { name, status, title }] of Object.entries(PROBLEM_TYPES)) {
      host.answer(toAnswer(code as keyof typeof PROBLEM_TYPES));
      host.requests.length = 0;
      await visit.run("seen.length = 0; w.open(); moveClock(7000)");
      await visit.until("error");

      expect(await visit.events()).toEqual([
        {
          event: "mx-error",
          code: name,
          message: `About ${name}.`,
          status,
          type: `${host.url}/problems/${name}`,
          title,
          detail: `About ${name}.`,
          requestId: "request-1",
          retryAfterSeconds: 7,
          isRetryable: TRY_AGAIN_LATER.includes(status),
        },
      ]);
      expect(host.requests).toHaveLength(status === 401 ? 2 : 1);
      const button = visit.page.getByRole("button", { name: "Try again" });
      expect(await button.isVisible()).toBe(TRY_AGAIN_LATER.includes(status));
    }
  });

  it.each<[retryAfter: string, seconds: number | undefined]>([
    ["0", undefined],
    ["-5", undefined],
    ["soon", undefined],
    ["Sun, 29 Nov 2026 08:49:37 GMT", 7],
    ["Sun, 29 Nov 2026 08:49:23 GMT", undefined],
    ["99999999999", 2_000_000],
  ])("names the time of its Retry-After: %s", async (retryAfter, seconds) => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    const headers = { "Retry-After": retryAfter, Date: "Sun, 29 Nov 2026 08:49:30 GMT" };
    host.answer({ status: 429, headers }, "widget");
    await visit.run(open("() => 'a.b.c'"));
    await visit.until("error");
    expect((await visit.events())[0]?.retryAfterSeconds).toBe(seconds);

    await visit.run("stopClock(); w.open(); moveClock(6000)");
    if (seconds === undefined) await visit.until("open");
    else await visit.run("new Promise((resolve) => setTimeout(resolve, 50))");
    expect(host.requests).toHaveLength(seconds === undefined ? 2 : 1);
  });

  it("names each faulty option", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    const errors = [{ pointer: "/widget_url/color_scheme", detail: "must be one of …" }];
    host.answer(toAnswer("invalid_request", { errors }));

    await visit.run(open("() => 'a.b.c'"));
    await visit.until("error");
    expect((await visit.events())[0]).toMatchObject({ code: "invalid-request", errors });
  });

  const ok = { "Content-Type": "application/json" };
  const urlOf = (url: unknown) => JSON.stringify({ widget_url: { type: "connect_widget", url } });
  const BAD_ANSWERS: [what: string, answer: Answer, status?: number][] = [
    ["a proxy's page", { status: 502, body: "<h1>Bad gateway</h1>" }, 502],
    ["an empty refusal", { status: 403 }, 403],
    ["another service's problem", { status: 400, body: `{"type":"about:blank"}` }, 400],
    ["a redirect to a login page", { status: 302, headers: { Location: "/login" } }],
    ["a page", { status: 200, body: "<h1>Log in</h1>" }],
    ["no widget", { status: 200, headers: ok, body: "{}" }],
    ["null", { status: 200, headers: ok, body: "null" }],
    ["an empty URL", { status: 200, headers: ok, body: urlOf("") }],
    ["a URL that is no text", { status: 200, headers: ok, body: urlOf(7) }],
    ["a script", { status: 200, headers: ok, body: urlOf("javascript:alert(1)") }],
    ["http", { status: 200, headers: ok, body: urlOf("http://mx.example/w") }],
    [
      "a disguise as this machine",
      { status: 200, headers: ok, body: urlOf("http://127.0.0.1:80@mx.example/") },
    ],
  ];
  it("is a bad answer where it is not the service's", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    await visit.run(open("() => 'a.b.c'"));
    await visit.until("open");

    for (const [what, answer, status] of BAD_ANSWERS) {
      host.answer(answer);
      host.requests.length = 0;
      await visit.run("seen.length = 0; w.open(); undefined");
      await visit.until("error");

      const [error] = await visit.events();
      expect({ what, code: error?.code, status: error?.status }).toEqual({
        what,
        code: "bad-answer",
        status,
      });
      expect(visit.page.frames()).toHaveLength(1);
      expect(host.requests).toHaveLength(1);
    }
  });

  it.each([
    ["of nobody", `sessionUrl: "http://127.0.0.1:1/session"`],
    ["that the page's policy forbids", `sessionUrl: "https://elsewhere.example/session"`],
  ])("%s is a matter of the network", async (_what, setting) => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(open("() => 'a.b.c'", setting));
    await visit.until("error");
    expect(await visit.events()).toMatchObject([{ code: "network", isRetryable: true }]);
  });

  it("is put right by options that are", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`
      window.w = document.createElement("mx-widget");
      w.setAttribute("options", "{color_scheme: dark}");
      w.getToken = () => "a.b.c";
      place.append(w);
      undefined`);
    await visit.until("error");
    expect(await visit.events()).toMatchObject([{ code: "bad-options", isRetryable: false }]);
    expect(host.requests).toEqual([]);

    await visit.run(`w.setAttribute("options", '{"color_scheme":"dark"}')`);
    await visit.until("open");
    expect(host.requests[0]?.body).toEqual({ widget_url: { color_scheme: "dark" } });
  });

  it("is announced, unless the page does that itself", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer(toAnswer("overloaded"));
    const alert = visit.page.getByRole("alert");

    await visit.run(`stopClock(); ${open("() => 'a.b.c'")}`);
    await visit.until("error");
    expect(await alert.textContent()).toContain("This could not be opened.");
    expect(await visit.run("w.ariaBusy")).toBe("false");

    await visit.run(
      `w.addEventListener("mx-error", (event) => event.preventDefault()); w.open(); moveClock(7000)`,
    );
    await visit.until("error");
    expect(await alert.count()).toBe(0);
  });
});

function toAnswer(code: keyof typeof PROBLEM_TYPES, rest: object = {}): Answer {
  const { name, status, title } = PROBLEM_TYPES[code];
  return {
    status,
    headers: { "Content-Type": "application/problem+json", "Retry-After": "7" },
    body: JSON.stringify({
      type: `/problems/${name}`,
      title,
      status,
      detail: `About ${name}.`,
      request_id: "request-1",
      ...rest,
    }),
  };
}
