/**
 * `--verify` against the simulator: all assumptions are confirmed; with each documented deviation switched on, that one is
 * refuted; and whatever happens, nothing is left at MX.
 */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { DEVIATIONS, type Deviation } from "../../packages/simulator/src/deviations.ts";
import type { startIdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";
import { verifyMx } from "../../src/app/commands.ts";
import { findOtherHost, isIntegrationHost } from "../../src/commands/mx-environment.ts";
import { STEPS } from "../../src/commands/verify/verify.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Environment } from "../../src/config/variables.ts";
import { expectNoCanary, SECRETS } from "../support/canaries.ts";
import { stopClock } from "../support/clock.ts";
import { runMain } from "../support/run-main.ts";
import { type Apis, baseEnvironment } from "../support/start.ts";

type Verdict = "confirmed" | "refuted" | "not_tried";
type Report = {
  ok: boolean;
  user_id: string;
  problem: string | null;
  interrupted: boolean;
  assumptions: { id: string; verdict: Verdict; came: string; change: string; why: string }[];
  left_over: { what: string; id: string; disabled: boolean }[];
};

/** No issuer is asked. */
const ISSUER = { issuer: "https://login.example.com" } as Awaited<
  ReturnType<typeof startIdentityProvider>
>;

/** Its clock can be moved after it has started. */
function startMx(settings: { propagationMs?: number } = {}): Promise<Simulator> {
  return startSimulator({ credentials: SECRETS, now: () => Date.now(), ...settings });
}

function environmentOf(mx: Simulator, apis: Apis, changes: Environment = {}): Environment {
  return { ...baseEnvironment(mx, ISSUER, apis), ...changes };
}

async function verify(
  mx: Simulator,
  apis: Apis,
  { withMember = true, changes = {}, signal = new AbortController().signal } = {},
) {
  const config = loadConfig(environmentOf(mx, apis, changes));
  const [tenant] = config.tenants;
  if (!tenant) throw new Error("no tenant");
  using clock = stopClock();
  const {
    result: { text, json, code },
  } = await clock.run(verifyMx(config, tenant, { withMember, signal }));
  for (const output of [text, JSON.stringify(json)]) expectNoCanary("the report", output);
  const report = json as Report;
  const verdicts = Object.fromEntries(report.assumptions.map(({ id, verdict }) => [id, verdict]));
  return { text, code, report, verdicts };
}

function idsOf(verdicts: Record<string, Verdict>, verdict: Verdict): string[] {
  return Object.keys(verdicts).filter((id) => verdicts[id] === verdict);
}

function expectNothingLeft({ state }: Simulator, { left_over }: Report): void {
  expect([...state.users.keys(), ...state.members.keys()]).toEqual([]);
  expect(left_over).toEqual([]);
}

const OLD = { MX_PLATFORM_VERSION: "v20111101" };

describe("--verify against an MX as it is assumed to be", () => {
  it("tries every assumption in one set-up or another, and confirms it", async () => {
    const confirmed = new Set<string>();
    for (const [apis, changes] of [
      ["both", {}],
      ["both", OLD],
      ["sso", {}],
      ["platform", {}],
      ["platform", OLD],
      ["v3", {}],
      ["v3-members", {}],
      ["v3-both", {}],
      ["v3-both", OLD],
    ] as const) {
      await using mx = await startMx({ propagationMs: 300 });
      const { code, report, verdicts } = await verify(mx, apis, { changes });
      expect(report.assumptions.filter(({ verdict }) => verdict === "refuted")).toEqual([]);
      expectNothingLeft(mx, report);
      expect([code, report.ok, report.problem]).toEqual([0, true, null]);
      for (const id of idsOf(verdicts, "confirmed")) confirmed.add(id);
    }
    expect(STEPS.map(({ id }) => id).filter((id) => !confirmed.has(id))).toEqual([]);
  });

  it("makes one user at a time, whose id says whose it is", async () => {
    await using mx = await startMx();
    const { report } = await verify(mx, "both");
    expect(report.user_id).toMatch(/^bff-verify-[0-9a-f]{16}$/);
    const ids = mx.calls
      .of("sso.create_user")
      .map(({ body }) => (body as { external_user_guid: string }).external_user_guid);
    expect(new Set(ids)).toEqual(new Set([report.user_id]));
  });

  it("makes no Member unless it is told to", async () => {
    await using mx = await startMx();
    const { code, verdicts, report } = await verify(mx, "both", { withMember: false });
    expect(code).toBe(0);
    expect(mx.state.created.members).toBe(0);
    expect(mx.calls.of("sso.update_member")).toEqual([]);
    expect(idsOf(verdicts, "not_tried").toSorted()).toEqual(
      // Two are about the older Platform API, the last ones about the SSO API v3.
      "A10 A11 A12 A13 A18 A20 A21 A22 A23 A24 A25 A26 A8 A9".split(" "),
    );
    expect(report.assumptions.find(({ id }) => id === "A8")?.why).toContain("--with-member");
  });

  it("never asks the lookup", async () => {
    await using mx = await startMx();
    let asked = 0;
    const lookup = createServer((_req, res) => {
      asked += 1;
      res.end();
    }).listen(0, "127.0.0.1");
    await once(lookup, "listening");
    const { port } = lookup.address() as AddressInfo;
    const changes = {
      MEMBER_CREDENTIALS: "lookup",
      MEMBER_USERKEY_SECRET: undefined,
      PROFILE_SOURCE: "lookup",
      MEMBER_LOOKUP_URL: `http://127.0.0.1:${port}/`,
      MEMBER_LOOKUP_TOKEN: "lookup-token-for-tests",
    };
    const { code } = await verify(mx, "both", { changes });
    lookup.close();
    expect([code, asked]).toEqual([0, 0]);
  });
});

/** What is refuted, in which set-up; and what then cannot be tried, because it builds on it. */
const ROWS: [Deviation, id: string, apis: Apis, changes?: Environment, untried?: string[]][] = [
  ["credit-score-refused", "A1", "sso"],
  ["ids-ignore-case", "A2", "sso"],
  ["ids-ignore-case", "A2", "v3"],
  ["long-ids-refused", "A3", "sso"],
  ["long-ids-refused", "A3", "v3-members"],
  ["member-path", "A4", "sso", {}, ["A3", "A9"]],
  ["disabled-not-shown", "A5", "sso"],
  ["user-delete-path", "A6", "both"],
  ["ids-not-reusable", "A7", "sso", {}, ["A12"]],
  ["ids-not-reusable", "A7", "v3-members", {}, ["A12"]],
  ["member-exists-text", "A8", "sso", {}, ["A12"]],
  ["member-owner-missing", "A9", "sso"],
  ["member-update-path", "A10", "sso", {}, ["A11"]],
  ["login-fields", "A11", "sso"],
  ["members-outlive-users", "A12", "sso"],
  ["members-outlive-users", "A12", "v3-members"],
  ["old-version-refused", "A13", "both", OLD, ["A14", "A15", "A16", "A17", "A18", "A19"]],
  ["apis-apart", "A14", "both", {}, ["A15", "A16", "A17", "A19"]],
  ["apis-apart", "A14", "v3-both", {}, ["A15", "A16", "A19"]],
  ["slow-users", "A15", "platform", {}, ["A19"]],
  ["slow-users", "A15", "v3", {}, ["A19", "A25", "A26"]],
  ["widget-url-names-guid", "A16", "platform", {}, ["A19"]],
  ["widget-url-names-guid", "A16", "v3", {}, ["A19", "A25", "A26"]],
  ["conflict-status", "A17", "platform"],
  ["id-filter-empty", "A18", "both", OLD],
  ["disabled-served", "A19", "platform"],
  ["disabled-served", "A19", "v3"],
  ["v3-unknown-user", "A20", "v3", {}, ["A21"]],
  ["mdx-key-apart", "A21", "v3", {}, "A2 A3 A7 A15 A16 A19 A22 A24 A25 A26".split(" ")],
  ["mdx-user-conflict", "A22", "v3"],
  ["mdx-member-conflict", "A23", "v3-members", {}, ["A12"]],
  ["mdx-profile-refused", "A24", "v3"],
  ["v3-options-refused", "A25", "v3"],
  ["v3-unknown-widget", "A26", "v3"],
];

describe("--verify against an MX that is different", () => {
  it("is tried for each of the simulator's deviations", () => {
    expect([...new Set(ROWS.map(([deviation]) => deviation))].toSorted()).toEqual(
      Object.keys(DEVIATIONS).toSorted(),
    );
  });

  it.each(ROWS)(
    "%s: refutes %s alone (%s), says what came and what to change, and leaves nothing",
    async (deviation, id, apis, changes = {}, untried = []) => {
      await using mx = await startMx();
      const usual = idsOf((await verify(mx, apis, { changes })).verdicts, "not_tried");
      mx.settings.deviations = [deviation];

      const { code, report, verdicts, text } = await verify(mx, apis, { changes });

      expect([code, report.ok]).toEqual([1, false]);
      expect(idsOf(verdicts, "refuted")).toEqual([id]);
      expect(idsOf(verdicts, "not_tried").toSorted()).toEqual(
        [...new Set([...usual, ...untried])].toSorted(),
      );
      const finding = report.assumptions.find((each) => each.id === id);
      expect(finding?.came).toMatch(/^MX .+\.$/);
      expect(finding?.change).toMatch(/\.$/);
      expect(text).toContain("REFUTED");
      if (id !== "A12" || apis === "sso") return expectNothingLeft(mx, report);
      const memberId = `M-${report.user_id}`; // MDX finds it under no user any more.
      expect(report.left_over).toEqual([{ what: "Member", id: memberId, disabled: false }]);
      expect(mx.state.users.size).toBe(0);
    },
  );

  it("disables the user where it cannot be deleted, and names it", async () => {
    await using mx = await startMx();
    mx.settings.deviations = ["user-delete-path"];

    const { code, report, text, verdicts } = await verify(mx, "sso");

    expect(code).toBe(1);
    expect([verdicts.A6, verdicts.A7, verdicts.A12]).toEqual(["refuted", "not_tried", "not_tried"]);
    expect(report.left_over).toEqual([{ what: "User", id: report.user_id, disabled: true }]);
    expect(text).toContain(`the User ${report.user_id}, which is now disabled`);
    expect(mx.state.findUser(report.user_id)?.isDisabled).toBe(true);
  });

  it("says what is left where MX can do neither", async () => {
    await using mx = await startMx();
    for (const operation of ["platform.delete_user", "platform.update_user"] as const)
      mx.failNext({ kind: "status", status: 500 }, { operation, times: 99 });

    const { code, report } = await verify(mx, "platform");

    expect(code).toBe(1);
    expect(report.left_over).toEqual([{ what: "User", id: report.user_id, disabled: false }]);
  });

  it("tries nothing further where MX refuses the key, and says so", async () => {
    await using mx = await startMx();
    for (const [apis, changes] of [
      ["platform", { MX_PLATFORM_API_KEY: "another key" }],
      ["v3", { MX_SSO_API_KEY: "another key" }],
    ] as const) {
      const { code, report, verdicts } = await verify(mx, apis, { changes });

      expect(code).toBe(1);
      expect(report.problem).toContain("401");
      expect(idsOf(verdicts, "not_tried")).toEqual(Object.keys(verdicts));
      expect(report.left_over).toEqual([]);
    }
  });

  it.each(["sso", "v3"] as const)("says so where MX is down (%s)", async (apis) => {
    await using mx = await startMx();
    mx.failNext({ kind: "status", status: 503 }, { times: 999 });
    const { code, report, verdicts } = await verify(mx, apis);
    expect(code).toBe(1);
    expect(report.problem).toContain("503");
    expect(idsOf(verdicts, "not_tried")).toEqual(Object.keys(verdicts));
  });

  it("refutes nothing because MX does not answer", async () => {
    await using mx = await startMx();
    mx.failNext({ kind: "status", status: 502 }, { operation: "sso.read_member", times: 99 });

    const { report, verdicts } = await verify(mx, "sso", { withMember: false });

    expect(verdicts).toMatchObject({ A4: "not_tried", A3: "not_tried", A2: "confirmed" });
    expect(report.assumptions.find(({ id }) => id === "A4")?.why).toContain("502");
  });
});

describe("an interrupt", () => {
  it.each([
    "sso.create_user",
    "sso.create_member",
    "platform.request_widget_url",
    "sso.delete_user",
  ] as const)("during %s ends it after that, with nothing left", async (operation) => {
    await using mx = await startMx();
    const interrupt = new AbortController();
    mx.before(operation, () => interrupt.abort());

    const { code, report, text } = await verify(mx, "both", { signal: interrupt.signal });

    expect([code, report.interrupted]).toEqual([130, true]);
    expect(report.assumptions.some(({ why }) => why === "The run was interrupted.")).toBe(true);
    expect(text).toContain("Interrupted.");
    expectNothingLeft(mx, report);
  });
});

describe("the command", () => {
  it("prints a line for each assumption, and the result for machines", async () => {
    await using mx = await startMx();
    const environment = environmentOf(mx, "both");

    const people = await runMain(["--verify", "--with-member"], environment);
    const machines = await runMain(["--verify", "--json"], environment);

    expect([people.code, machines.code, people.errors, machines.errors]).toEqual([0, 0, "", ""]);
    for (const { id } of STEPS)
      expect(people.out).toMatch(new RegExp(`^${id} +(confirmed|not tried) `, "m"));
    expect(people.out).toMatch(/\d+ confirmed, 0 refuted, \d+ not tried\.\n$/);
    expect(JSON.parse(machines.out)).toMatchObject({ ok: true, version: expect.any(String) });
    expectNoCanary("the command", people.out + machines.out);
  });

  it("does not start with a faulty configuration", async () => {
    const { code, out, errors } = await runMain(["--verify"], { PORT: "canary" });
    expect([code, out]).toEqual([2, ""]);
    expect(errors).toMatch(/PORT must/);
  });

  it.each([
    ["production", { MX_ENVIRONMENT: "production", MX_PLATFORM_BASE_URL: undefined }],
    ["another host", { MX_PLATFORM_BASE_URL: "https://mx.bank.example" }],
  ])("does not run against %s", async (_what, changes) => {
    await using mx = await startMx();
    const environment = environmentOf(mx, "platform", changes);

    const { code, out, errors } = await runMain(["--verify"], environment);

    expect([code, out]).toEqual([2, ""]);
    expect(errors).toContain("integration");
    expect(mx.calls.count).toBe(0);
  });

  it.each([
    [{ MX_ENVIRONMENT: "production" }, "api2.moneydesktop.com"],
    [
      { MX_SSO_VERSION: "v3", MX_SSO_CLIENT_ID: "c", MX_MDX_BASE_URL: "https://mdx.example" },
      "mdx.example",
    ],
    [{}, undefined],
  ])("does not run where one of several tenants has %j", (changes, host) => {
    const { sso, ...shared } = {
      AUTH_ISSUER: "https://login.example.com",
      AUTH_AUDIENCE: "bff",
      MEMBER_CREDENTIALS: "derived",
      MEMBER_USERKEY_SECRET: "a-userkey-secret-of-32-characters!",
      USER_ID_MODE: "hmac",
      sso: {
        MX_SSO_API_KEY: "key-1",
        ...(!("MX_SSO_VERSION" in changes) && { MX_SSO_CLIENT_GUID: "CLT-1" }),
      },
    };
    const tenants = ["a", "b"].map((name) => ({
      name,
      claim: { name: "org", value: name },
      ...shared,
      MEMBER_USERKEY_SECRET: `${shared.MEMBER_USERKEY_SECRET}${name}`,
      USER_ID_SECRET: `a-user-id-secret-of-32-characters-${name}`,
      ...(name === "a"
        ? { MX_SSO_API_KEY: "key-a", MX_SSO_CLIENT_GUID: "CLT-a" }
        : { ...sso, ...changes }),
    }));
    const config = loadConfig({ TENANTS_FILE: "tenants.json" }, () => JSON.stringify({ tenants }));
    expect(findOtherHost(config)).toBe(host);
  });

  it.each([
    ["int-api.mx.com", true],
    ["INT-API.MX.COM.", true],
    ["int-api2.moneydesktop.com.", true],
    ["localhost", true],
    ["127.0.0.1", true],
    ["[::1]", true],
    ["api.mx.com", false],
    ["api2.moneydesktop.com", false],
    ["int-api.mx.com.evil.example", false],
    ["evil-int-api.mx.com", false],
    ["xint-api.mx.com", false],
    ["int-api.mx.com..", false],
    ["127.0.0.1.evil.example", false],
    ["", false],
  ])("%j is a place for it: %s", (hostname, isAllowed) => {
    expect(isIntegrationHost(hostname)).toBe(isAllowed);
  });
});
