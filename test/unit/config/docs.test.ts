import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { renderConfigDocs } from "../../../scripts/config-docs.ts";
import { isOfTenant, VARIABLE_NAMES } from "../../../src/config/variables.ts";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

describe("what is written from the table of variables", () => {
  it.each(Object.entries(renderConfigDocs()))(
    "%s is current; if not, run npm run config-docs",
    (path, content) => {
      expect(read(path)).toBe(content);
    },
  );
});

describe("docs/tenants.schema.json", () => {
  const schema = JSON.parse(read("docs/tenants.schema.json"));
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  const isValid = (...tenants: object[]) => validate({ tenants });
  const tenant = { name: "a", AUTH_ISSUER: "https://a.example" };

  it("accepts the example of docs/tenants.md", () => {
    const [, example = ""] = /```json\n([\s\S]+?)```/.exec(read("docs/tenants.md")) ?? [];
    expect([validate(JSON.parse(example)), validate.errors]).toEqual([true, null]);
  });

  it("knows each variable of a tenant, and no other", () => {
    const { properties } = schema.properties.tenants.items;
    const known = Object.keys(properties).filter((name) => VARIABLE_NAMES.includes(name));
    const expected = VARIABLE_NAMES.filter(isOfTenant);
    expect(known.sort()).toEqual(expected.sort());
    expect(isValid({ ...tenant, PORT: "3000" })).toBe(false);
    expect(isValid({ ...tenant, AUTH_JWT: "false" })).toBe(false);
  });

  it.each<[string, object]>([
    ["a list as JSON", { AUTH_AUDIENCE: ["one", "two"] }],
    ["a list as text", { AUTH_AUDIENCE: "one,two" }],
    ["a number", { MX_CONNECTIONS: 50 }],
    ["a boolean", { ALLOW_CALLBACK_PAYLOAD: true }],
    ["options as JSON", { WIDGET_DEFAULTS: { color_scheme: "dark" } }],
    ["options as text", { WIDGET_DEFAULTS: '{"color_scheme":"dark"}' }],
    ["a secret in a file", { MX_PLATFORM_API_KEY_FILE: "/run/secrets/key" }],
  ])("accepts %s", (_what, variables) => {
    expect([isValid({ ...tenant, ...variables }), validate.errors]).toEqual([true, null]);
  });

  it.each<[string, object]>([
    ["a number that is out of bounds", { MX_CONNECTIONS: 5000 }],
    ["a secret that is no string", { MX_PLATFORM_API_KEY: 7 }],
    ["an unknown option", { WIDGET_DEFAULTS: { no_such_option: true } }],
    ["another choice", { MX_ENVIRONMENT: "staging" }],
    ["a misspelt variable", { AUTH_ISSUE: "https://a.example" }],
    ["a name with a space", { name: "a b" }],
  ])("refuses %s", (_what, variables) => {
    expect(isValid({ ...tenant, ...variables })).toBe(false);
  });
});
