/**
 * `--user`: what it prints is what the service sends to MX and writes to the log.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Environment } from "../../src/config/variables.ts";
import { expectNoCanary, SECRETS } from "../support/canaries.ts";
import { startPartnerLookup } from "../support/partner-lookup.ts";
import { runMain } from "../support/run-main.ts";
import { type Apis, baseEnvironment, type Started, start } from "../support/start.ts";
import { startTenants, tenantEntry } from "../support/start-tenants.ts";

const STRONG = "Zq7Canary4Wx-strong-secret-0123456789";

/** What the command says of a user, for machines. */
async function ask(environment: Environment, args: readonly string[]) {
  const { code, out, errors } = await runMain([...args, "--json"], environment);
  expectNoCanary("the command", errors, [STRONG]);
  expect(out).not.toMatch(/Canary/);
  return { code, report: JSON.parse(out) };
}

function environmentOf(service: Started, apis: Apis, changes: Environment): Environment {
  return { ...baseEnvironment(service.mx, service.issuer, apis), ...changes };
}

async function logIn(service: Started, subject: string, claims: object) {
  const token = await service.issuer.issueToken(subject, { claims: { ...claims } });
  const response = await service.check(service.request().set("Authorization", `Bearer ${token}`));
  expect(response.status).toBe(200);
}

/** What the service made of the only login. */
function seen({ mx, log }: Started) {
  const [user] = [...mx.calls.of("sso.create_user"), ...mx.calls.of("platform.create_user")];
  const [member] = mx.calls.of("sso.create_member");
  const line = log.map((text) => JSON.parse(text)).find((each) => each["user.hash"]);
  const body = user?.body as { external_user_guid?: string; user?: { id: string } } | undefined;
  const made = member?.body as { external_member_guid: string } | undefined;
  return {
    user_id: body?.external_user_guid ?? body?.user?.id,
    member_id: made?.external_member_guid ?? null,
    user_hash: line["user.hash"],
  };
}

describe("--user prints what the service sends and logs", () => {
  it.each<[string, Apis, Environment, object, string[]]>([
    ["sub", "sso", {}, {}, ["u-1"]],
    ["sub, with the Platform API", "platform", {}, {}, ["u-1"]],
    ["sub, with a key of the operator's", "both", { AUDIT_KEY: STRONG }, {}, ["u-1"]],
    [
      "another claim",
      "sso",
      { USER_ID_CLAIM: "customer" },
      { customer: "c-77" },
      ["c-77", "--subject", "u-1"],
    ],
    [
      "a hashed e-mail address",
      "both",
      { USER_ID_MODE: "hmac", USER_ID_CLAIM: "mail", USER_ID_SECRET: STRONG },
      { mail: "grace@example.com" },
      ["grace@example.com", "--subject=u-1"],
    ],
    [
      "a hashed sub",
      "sso",
      { USER_ID_MODE: "hmac", USER_ID_SECRET: STRONG, MEMBER_ID_TEMPLATE: "acct-{user_id}" },
      { sub: "auth0|7" },
      ["auth0|7"],
    ],
    ["a Member id in the same claim", "sso", { MEMBER_ID_CLAIM: "sub" }, {}, ["u-1"]],
  ])("%s", async (_what, apis, changes, claims, [value = "", ...more]) => {
    await using service = await start({ apis, environment: changes });
    await logIn(service, "u-1", claims);

    const { code, report } = await ask(environmentOf(service, apis, changes), [
      "--user",
      value,
      ...more,
    ]);

    expect(code).toBe(0);
    expect(report).toMatchObject({ tenant: "default", ...seen(service) });
    expect(report).not.toHaveProperty("live");
  });

  it("of one of several tenants", async () => {
    await using service = await start({ apis: "sso" });
    const { mx, issuer } = service;
    const entries = ["first", "second"].map((name) =>
      tenantEntry(
        name,
        mx,
        issuer,
        {
          claim: { name: "org", value: name },
          USER_ID_MODE: "hmac",
          USER_ID_SECRET: `${STRONG}-${name}`,
        },
        "sso",
      ),
    );
    await using tenants = await startTenants(entries);
    expect((await tenants.post(issuer, "u-1", { claims: { org: "second" } })).status).toBe(200);
    const folder = mkdtempSync(join(tmpdir(), "tenants-"));
    const TENANTS_FILE = join(folder, "tenants.json");
    writeFileSync(TENANTS_FILE, JSON.stringify({ tenants: entries }));

    const { report } = await ask({ TENANTS_FILE }, ["--user", "u-1", "--tenant", "second"]);
    const missing = await runMain(["--user", "u-1"], { TENANTS_FILE });
    const wrong = await runMain(["--user", "u-1", "--tenant", "canary"], { TENANTS_FILE });

    expect(report).toMatchObject({ tenant: "second", ...seen({ ...service, log: tenants.log }) });
    expect([missing.code, wrong.code]).toEqual([64, 64]);
    expect(missing.errors).toContain("--tenant is missing. There are: first, second.");
    expect(wrong.errors).not.toContain("canary");
    rmSync(folder, { recursive: true });
  });
});

describe("--user says what it does not know", () => {
  const run = async (changes: Environment, ...args: string[]) => {
    await using service = await start({ apis: "sso" });
    const environment = environmentOf(service, "sso", changes);
    const [people, machines] = [await runMain(args, environment), await ask(environment, args)];
    expect(service.mx.calls.all).toEqual([]);
    return { people, report: machines.report };
  };

  it("the hash, without the subject", async () => {
    const { people, report } = await run({ USER_ID_CLAIM: "customer" }, "--user", "c-77");
    expect(report).toMatchObject({ user_id: "c-77", user_hash: null });
    expect(people.code).toBe(0);
    expect(people.out).toMatch(/user\.hash +unknown. It needs --subject <sub>/);
    expect(report.user_hash_needs).toContain("--subject");
  });

  it.each<[string, Environment, RegExp]>([
    ["a claim", { MEMBER_ID_CLAIM: "mx_member" }, /the claim mx_member \(MEMBER_ID_CLAIM\)/],
    [
      "the lookup",
      {
        MEMBER_CREDENTIALS: "lookup",
        MEMBER_USERKEY_SECRET: undefined,
        MEMBER_LOOKUP_URL: "https://bank.example/mx",
        MEMBER_LOOKUP_TOKEN: "Zq7Canary4Wx-lookup",
      },
      /the lookup \(MEMBER_LOOKUP_URL\)/,
    ],
  ])("the Member's id, which comes from %s", async (_what, changes, from) => {
    const { people, report } = await run(changes, "--user", "u-1");
    expect(report).toMatchObject({ member_id: null, member_id_from: expect.stringMatching(from) });
    expect(people.out).toMatch(from);
  });

  it.each(["auth0|7", "USR-1", "null", "a b", ""])("who %j is at MX: nobody", async (value) => {
    await using service = await start({ apis: "sso" });
    const environment = environmentOf(service, "sso", {});
    const people = await runMain([`--user=${value}`], environment);
    const { code, report } = await ask(environment, [`--user=${value}`]);
    expect([people.code, code]).toEqual([1, 1]);
    expect(people.errors).toContain("USER_ID_");
    expect(report.error).toBe("unusable_user_id");
  });
});

describe("--user --live", () => {
  const live = (service: Started, apis: Apis, changes: Environment, ...args: string[]) =>
    ask(environmentOf(service, apis, changes), ["--user", "u-1", "--live", ...args]);

  it.each(["platform", "sso", "both", "v3", "v3-members", "v3-both"] as const)(
    "finds what there is, and changes nothing (%s)",
    async (apis) => {
      await using service = await start({ apis });
      await logIn(service, "u-1", {});
      const user = service.mx.state.findUser("u-1");
      const member = service.mx.state.findMember("M-u-1");
      service.mx.calls.clear();

      const { code, report } = await live(service, apis, {});

      const found = { exists: true, guid: user?.guid, disabled: false, problem: null };
      const all = [
        { what: "SSO user", ...found },
        { what: "Member", exists: true, guid: member?.guid, disabled: null, problem: null },
        { what: "Platform user", ...found },
      ];
      const mdx = { what: "MDX user", ...found };
      const used = {
        platform: all.slice(2),
        sso: all.slice(0, 2),
        both: all,
        v3: [mdx],
        "v3-members": [all[1], mdx],
        "v3-both": all.slice(1),
      };
      expect([code, report.live]).toEqual([0, used[apis]]);
      expect(service.mx.calls.all.every(({ method }) => method === "GET")).toBe(true);
    },
  );

  it("finds them with the older Platform API", async () => {
    const changes = { MX_PLATFORM_VERSION: "v20111101" };
    await using service = await start({ environment: changes });
    const { guid } = service.mx.state.createUser({ id: "u-1", isDisabled: true });

    const { report } = await live(service, "platform", changes);

    expect(report.live).toMatchObject([{ exists: true, guid, disabled: true }]);
  });

  it("says that a user is disabled, and what is not there", async () => {
    await using service = await start({ apis: "both" });
    service.mx.state.createUser({ id: "u-1", isDisabled: true });

    const { code, report } = await live(service, "both", {});
    const { out } = await runMain(["--user", "u-1", "--live"], environmentOf(service, "both", {}));

    expect(code).toBe(0);
    expect(report.live).toMatchObject([
      { what: "SSO user", exists: true, disabled: true },
      { what: "Member", exists: false, guid: null },
      { what: "Platform user", exists: true, disabled: true },
    ]);
    expect(out).toMatch(/SSO user +exists, USR-[\w-]+, disabled\nMember +does not exist\n/);
  });

  it("asks the lookup for the Member's id, with the subject alone", async () => {
    await using lookup = await startPartnerLookup({
      userkey: "Zq7Canary4Wx-key",
      member_id: "acct-7",
    });
    const changes = {
      ...lookup.environment,
      MEMBER_CREDENTIALS: "lookup",
      MEMBER_USERKEY_SECRET: undefined,
      USER_ID_CLAIM: "customer",
    };
    await using service = await start({ apis: "sso", environment: changes });

    const without = await live(service, "sso", changes);
    expect(lookup.questions).toEqual([]);
    const { report } = await live(service, "sso", changes, "--subject", "sub-1");

    expect(without.report.member_id_from).toContain("--subject");
    expect(report.member_id).toBe("acct-7");
    expect(lookup.questions).toMatchObject([{ user_id: "u-1", subject: "sub-1" }]);
  });

  it("says why MX or the lookup gave no answer, and exits with 1", async () => {
    await using service = await start({ apis: "both" });
    service.mx.failNext(
      { kind: "status", status: 401 },
      { operation: "platform.read_user", times: 9 },
    );

    const { code, report } = await live(service, "both", {});

    expect(code).toBe(1);
    expect(report.live[2]).toMatchObject({ exists: null, problem: expect.stringContaining("401") });
  });
});

describe("the arguments", () => {
  it.each([
    [["--user"], "is unknown or has no value"],
    [["--tenant", "a"], "--tenant can be used only with --user"],
    [["--live"], "--live can be used only with --user"],
    [["--subject", "a", "--check"], "--subject can be used only with --user"],
    [["--user", "canary-1", "--check"], "cannot be used together"],
    [["--user", "canary-1", "canary-2"], "is unknown or has no value"],
  ])("%j are wrong", async (args, problem) => {
    const { code, out, errors } = await runMain(args, { MX_SSO_API_KEY: SECRETS.ssoKey });
    expect([code, out]).toEqual([64, ""]);
    expect(errors).toContain(problem);
    expect(errors).not.toContain("canary");
  });

  it("need a configuration without faults", async () => {
    const { code, out, errors } = await runMain(["--user", "u-1"], { PORT: "canary" });
    expect([code, out]).toEqual([2, ""]);
    expect(errors).toMatch(/PORT must/);
    expect(errors).not.toContain("canary");
  });
});
