/**
 * The simulator's Platform API against MX's own OpenAPI files, for the calls that this project makes.
 *
 * The files ask for little: no answer has a required field, and errors are not described. So an answer must have every
 * field that its schema knows, and simulator and schema must agree about what a request may hold, value by value.
 */

import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";

const VERSIONS = ["v20250224", "v20111101"] as const;

const USER = {
  id: "u-1",
  email: "ada@example.com",
  is_disabled: false,
  metadata: "{}",
};

/** Every JSON type, and the values that some option calls for by name. */
const VALUES = [
  "text",
  "",
  "light",
  "BROWSER",
  4,
  4.5,
  true,
  null,
  [],
  ["PFM"],
  ["PFM", "FUN"],
  [4],
  {},
  { products: [] },
  { products: ["transactions", "rewards"] },
  { products: ["everything"] },
  { font_name: "Roboto" },
  { font_name: null },
  { launch_integration: "direct-deposit" },
  { launch_integration: 4 },
];

describe.each(VERSIONS)("the Platform API of MX's OpenAPI file %s", (version) => {
  const mxApi = loadApi(version);
  const userPath = version === "v20250224" ? "/users/{user_identifier}" : "/users/{user_guid}";
  const CALLS = [
    ["post", "/users", { user: USER }],
    ["get", "/users", undefined],
    ["get", userPath, undefined],
    ["put", userPath, { user: { metadata: "{}" } }],
    ["post", "/users/{user_guid}/widget_urls", { widget_url: { widget_type: "connect_widget" } }],
  ] as const;

  it.each(CALLS)("answers %s %s with what the schema describes", async (method, path, body) => {
    await using mx = await startSimulator();
    const guid = path === "/users" ? "" : mx.state.createUser({ ...USER, isDisabled: false }).guid;
    const answer = await ask(mx, { version, method, path: path.replace(/\{.*\}/, guid), body });
    const { contentType, schema } = mxApi.success(path, method);

    expect(answer.status).toBe(200);
    expect(answer.contentType).toBe(contentType);
    expectToFit(mxApi.validator(schema), answer.body);
    expect(missingFields(mxApi.resolve(schema), answer.body)).toEqual([]);
    for (const spoilt of spoil(answer.body)) expect(mxApi.validator(schema)(spoilt)).toBe(false);
  });

  it("answers a User of whom nothing is known with what the schema describes", async () => {
    await using mx = await startSimulator();
    const { guid } = mx.state.createUser();
    const answer = await ask(mx, { version, method: "get", path: `/users/${guid}` });
    expectToFit(mxApi.validator(mxApi.success(userPath, "get").schema), answer.body);
  });

  it("answers delete with nothing", async () => {
    await using mx = await startSimulator();
    const { guid } = mx.state.createUser();
    const answer = await ask(mx, { version, method: "delete", path: `/users/${guid}` });
    expect(answer).toEqual({ status: 204, contentType: "", body: undefined });
    expect(Object.keys(mxApi.operation(userPath, "delete").responses)).toEqual(["204"]);
  });

  it("takes the parameters that are described, in the way they are described", async () => {
    await using mx = await startSimulator();
    for (let n = 0; n < 12; n += 1) mx.state.createUser({ id: `u-${n}`, email: `u${n}@mx.test` });
    const last = mx.state.createUser({ id: "u-x", email: "x@mx.test", isDisabled: true });
    const query: Record<string, string> = {
      page: "2",
      records_per_page: "10",
      id: "u-x",
      email: "x@mx.test",
      is_disabled: "true",
    };
    const described = mxApi
      .parameters("/users", "get")
      .filter(({ in: place }) => place === "query");
    expect(described.map(({ name }) => name).sort()).toEqual(Object.keys(query).sort());

    for (const { name } of described) {
      const path = `/users?${name}=${query[name]}`;
      const { body } = await ask(mx, { version, method: "get", path });
      const isPaging = name === "page" || name === "records_per_page";
      const guids = body.users.map(({ guid }: { guid: string }) => guid);
      if (isPaging) expect(guids.length).toBeLessThan(13);
      else expect(guids).toEqual([last.guid]);
    }
  });

  it("agrees about the fields of a new User", async () => {
    await using mx = await startSimulator();
    const fits = mxApi.validator("UserCreateRequestBody");
    const { properties = {} } = mxApi.resolve("UserCreateRequest");
    expect(Object.keys(properties).sort()).toEqual(Object.keys(USER).sort());

    for (const [name, { example }] of Object.entries(properties)) {
      const values = VALUES.filter((value) => typeof value !== typeof example);
      for (const value of [example, ...values]) {
        const body = { user: { [name]: value } };
        const { status } = await ask(mx, { version, method: "post", path: "/users", body });
        expect([name, value, status]).toEqual([name, value, fits(body) ? 200 : 422]);
      }
    }
  });

  it("agrees about every option of a widget URL", async () => {
    await using mx = await startSimulator();
    const { guid } = mx.state.createUser();
    const path = `/users/${guid}/widget_urls`;
    const fits = mxApi.validator("WidgetRequest");
    const options = new Set(VERSIONS.flatMap((known) => loadApi(known).optionNames()));
    options.delete("widget_type"); // A free string in the schema; see the next test.

    const answered = new Set<number>();
    for (const name of options) {
      for (const value of VALUES) {
        const options = { widget_type: "connect_widget", [name]: value };
        const body = { widget_url: options };
        const { status } = await ask(mx, { version, method: "post", path, body });
        expect([name, value, status]).toEqual([name, value, fits(options) ? 200 : 422]);
        answered.add(status);
      }
    }
    expect([...answered].sort()).toEqual([200, 422]);
  });

  it("makes URLs for every widget type that is listed, and for none without a type", async () => {
    await using mx = await startSimulator();
    const { guid } = mx.state.createUser();
    const path = `/users/${guid}/widget_urls`;
    const { required } = mxApi.resolve("WidgetRequest");
    const listed = loadApi("v20250224").resolve("WidgetResponse").properties?.type?.enum ?? [];
    const types = listed.filter((type) => type !== null);

    for (const type of types) {
      const body = { widget_url: { widget_type: type } };
      const answer = await ask(mx, { version, method: "post", path, body });
      expect(answer.body).toMatchObject({ widget_url: { type } });
    }
    expect(types).toHaveLength(30);
    expect(required).toEqual(["widget_type"]);
    const untyped = await ask(mx, { version, method: "post", path, body: { widget_url: {} } });
    expect(untyped.status).toBe(400);
  });
});

describe("the version header", () => {
  it("is described as required where it is the way to choose a version", () => {
    const names = loadApi("v20250224").parameters("/users", "post");
    expect(names).toMatchObject([{ name: "Accept-Version", in: "header", required: true }]);
  });
});

type Schema = {
  $ref?: string;
  type?: string | string[];
  nullable?: boolean;
  enum?: (string | null)[];
  required?: string[];
  example?: unknown;
  items?: Schema;
  properties?: Record<string, Schema>;
};

type Parameter = { name: string; in: string; required?: boolean };

type Operation = {
  parameters?: { $ref: string }[];
  responses: Record<string, { content?: Record<string, { schema: { $ref: string } }> }>;
};

type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; parameters: Record<string, Parameter> };
};

type MxApi = {
  operation(path: string, method: string): Operation;
  parameters(path: string, method: string): Parameter[];
  /** The media type of the 200, and the name of its schema. */
  success(path: string, method: string): { contentType: string; schema: string };
  resolve(schema: string): Schema;
  validator(schema: string): ValidateFunction;
  optionNames(): string[];
};

function loadApi(version: (typeof VERSIONS)[number]): MxApi {
  const file = new URL(`mx/${version}.yaml`, import.meta.url);
  const document: Document = withNullTypes(parse(readFileSync(file, "utf8")));
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addSchema({ $id: version, ...document }, version);

  const operation: MxApi["operation"] = (path, method) => must(document.paths[path]?.[method]);
  const resolve: MxApi["resolve"] = (name) => {
    const schema = must(document.components.schemas[name]);
    const properties = Object.entries(schema.properties ?? {}).map(([field, of]) => [
      field,
      of.$ref ? { ...of, ...resolve(nameIn(of.$ref)) } : of,
    ]);
    return { ...schema, properties: Object.fromEntries(properties) };
  };

  return {
    operation,
    resolve,
    parameters: (path, method) =>
      (operation(path, method).parameters ?? []).map(({ $ref }) =>
        must(document.components.parameters[nameIn($ref)]),
      ),
    success(path, method) {
      const [content] = Object.entries(must(operation(path, method).responses["200"]?.content));
      const [contentType, { schema }] = must(content);
      return { contentType, schema: nameIn(schema.$ref) };
    },
    validator: (name) => must(ajv.getSchema(`${version}#/components/schemas/${name}`)),
    optionNames: () => Object.keys(must(document.components.schemas.WidgetRequest?.properties)),
  };
}

/** OpenAPI 3.0 says `nullable`; JSON Schema says it in the type, and in the enum where there is one. */
function withNullTypes<T>(part: T): T {
  if (Array.isArray(part)) return part.map(withNullTypes) as T;
  if (typeof part !== "object" || part === null) return part;
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(part).map(([key, value]) => [key, withNullTypes(value)]),
  );
  if (nullable !== true) return rest as T;
  return {
    ...rest,
    type: [rest.type, "null"],
    ...(rest.enum !== undefined && { enum: [...rest.enum, null] }),
  } as T;
}

function nameIn(ref: string): string {
  return ref.slice(ref.lastIndexOf("/") + 1);
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("MX's file has changed.");
  return value;
}

function expectToFit(fits: ValidateFunction, value: unknown): void {
  fits(value);
  expect(fits.errors ?? []).toEqual([]);
}

/** The fields that a schema knows and a value lacks, as paths. */
function missingFields(schema: Schema, value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, of]) => {
    const found = (value as Record<string, unknown>)[name];
    return found === undefined ? [`${path}/${name}`] : missingFields(of, found, `${path}/${name}`);
  });
}

/** The same answer over and over, each time with another known field of a wrong type. */
function spoil(body: Record<string, unknown>): unknown[] {
  return Object.entries(body).flatMap(([name, part]) => {
    const spoilt: unknown[] = [{ ...body, [name]: "text" }];
    if (Array.isArray(part)) return [...spoilt, { ...body, [name]: [4] }];
    for (const field of Object.keys(part as object).filter((key) => KNOWN_FIELDS.has(key))) {
      spoilt.push({ ...body, [name]: { ...(part as object), [field]: { not: "a scalar" } } });
    }
    return spoilt;
  });
}

/** Of a User, a page and a widget URL; the profile of a User is on MX's pages only. */
const KNOWN_FIELDS = new Set([
  ...["guid", "id", "email", "is_disabled", "metadata"],
  ...["current_page", "per_page", "total_entries", "total_pages"],
  ...["type", "url", "user_id"],
]);

type Question = { version: string; method: string; path: string; body?: unknown };

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, each held against a schema.
type Answer = { status: number; contentType: string; body: any };

async function ask(mx: Simulator, { version, method, path, body }: Question): Promise<Answer> {
  const { clientId, apiKey } = mx.credentials;
  const res = await fetch(mx.platformUrl + path, {
    method: method.toUpperCase(),
    headers: {
      authorization: `Basic ${btoa(`${clientId}:${apiKey}`)}`,
      "accept-version": version,
      "content-type": "application/json",
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await res.text();
  const [contentType = ""] = (res.headers.get("content-type") ?? "").split(";");
  return { status: res.status, contentType, body: text === "" ? undefined : JSON.parse(text) };
}
