/**
 * openapi.yaml against the code: the zod schemas say what is accepted, the table of problem types what can go wrong.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PROBLEM_TYPES } from "../../src/http/problem-types.ts";
import {
  PRODUCTS,
  SSO_WIDGET_TYPES,
  WIDGET_TYPES,
  WidgetOptions,
} from "../../src/session/widget-options.ts";
import { createWidgetRequestParser } from "../../src/session/widget-policy.ts";
import {
  contract,
  findChildren,
  findPlace,
  findSchemaFaults,
  type JsonObject,
  type Place,
  toObject,
} from "../support/contract.ts";

describe("openapi.yaml", () => {
  it("is OpenAPI 3.1.1", () => {
    expect(contract.openapi).toBe("3.1.1");
  });

  it("has the version, the licence and the contact of package.json", () => {
    const packageJson = JSON.parse(
      readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
    );

    const { version, license, contact } = toObject(contract.info);
    expect(version).toBe(packageJson.version);
    expect(toObject(license).identifier).toBe(packageJson.license);
    expect(contact).toEqual({ name: packageJson.name, url: packageJson.bugs });
  });

  it("names each component once, as generators make one type of each name", () => {
    const { securitySchemes: _noTypes, ...components } = toObject(contract.components);
    const types = Object.values(components).flatMap((members) =>
      Object.keys(toObject(members)).map((name) => name.replace(/[^a-z0-9]/gi, "").toLowerCase()),
    );
    const operations = everyOperation().map(({ value }) => toObject(value).operationId);

    const names = [...types, ...operations.map((id) => String(id).toLowerCase())];
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("tags the pages apart from what programs call", () => {
    const tagged = everyOperation().filter(({ value }) => tagOf(value) === "Pages");

    const isPage = ({ pointer }: Place) =>
      /^\/paths\/~1(|docs|problems|hosted)(~1|\/)/.test(pointer);
    expect(tagged.length).toBeGreaterThan(2);
    expect(tagged).toEqual(everyOperation().filter(isPage));
  });

  it("refers only to what it has, and has nothing that it does not refer to", () => {
    const references = everyObject().flatMap(({ value: { $ref } }) =>
      typeof $ref === "string" ? [$ref] : [],
    );
    for (const reference of references) {
      expect(reference).toMatch(/^#\//);
      expect(() => findPlace(reference.slice(1))).not.toThrow();
    }

    const { securitySchemes: _byName, ...components } = toObject(contract.components);
    const named = Object.entries(components).flatMap(([kind, members]) =>
      Object.keys(toObject(members)).map((name) => `#/components/${kind}/${name}`),
    );
    expect(named.filter((name) => !references.includes(name))).toEqual([]);
  });

  it("has a schema for every place with a schema that compiles strictly", () => {
    const schemas = everyObject().filter(({ value }) => "schema" in value);
    expect(schemas.length).toBeGreaterThan(10);
    for (const { pointer } of schemas)
      expect(() => findSchemaFaults(`${pointer}/schema`, null)).not.toThrow();
  });

  it("describes each operation, with an id of its own, a short summary, a described tag, and how it fails", () => {
    const tags = new Map(asList(contract.tags).map((tag) => [tag.name, tag.description]));
    const ids = everyOperation().map(({ value }) => toObject(value).operationId);

    expect(new Set(ids).size).toBe(ids.length);
    for (const { pointer, value } of everyOperation()) {
      const { operationId, summary, description, responses } = toObject(value);
      expect({ pointer, operationId, summary, description }).toEqual({
        pointer,
        operationId: expect.stringMatching(/^[a-zA-Z]+$/),
        summary: expect.stringMatching(/^[A-Z].{5,34}[^.]$/),
        description: expect.any(String),
      });
      expect(tags.get(tagOf(value))).toEqual(expect.any(String));
      expect(Object.keys(toObject(responses)).some((status) => /^4/.test(status))).toBe(true);
    }
  });

  it("has the same contract at both paths of the session", () => {
    expect(withoutNames("/user/widget_urls")).toEqual(withoutNames("/session"));
  });

  it("has only examples that its schemas accept", () => {
    const examples = everyExample();

    expect(examples.length).toBeGreaterThan(50);
    for (const { pointer, schema, value } of examples)
      expect({ pointer, faults: findSchemaFaults(schema, value) }).toEqual({ pointer, faults: [] });
  });
});

describe("the problem types in openapi.yaml", () => {
  const types = Object.values(PROBLEM_TYPES);
  it("are those of the service, each as an answer with its status", () => {
    const documented = everyOperation().flatMap((operation) =>
      findChildren(findPlace(`${operation.pointer}/responses`)).flatMap(([status, response]) =>
        namesIn(response).map((name) => `${name} ${status}`),
      ),
    );

    const answered = types.map(({ name, status }) => `${name} ${status}`);
    expect(new Set(documented)).toEqual(new Set(answered));
  });

  it("are the types of the schema Problem, and the pages", () => {
    const names = types.map(({ name }) => name).sort();

    const paths = strings("/components/schemas/Problem/properties/type/enum");
    expect(paths.sort()).toEqual(names.map((name) => `/problems/${name}`));
    const pages = strings("/paths/~1problems~1{name}/get/parameters/0/schema/enum");
    expect(pages.sort()).toEqual(names);
  });

  it("stand in the table of the schema Problem with status and actor", () => {
    const rows = tableIn("/components/schemas/Problem/description");

    const expected = types.map(({ name, status, actor }) => [
      `\`/problems/${name}\``,
      String(status),
      expect.stringMatching(/\.$/),
      actor,
    ]);
    expect(rows).toHaveLength(types.length);
    expect(rows).toEqual(expect.arrayContaining(expected));
  });

  it("have an example each, with the service's title", () => {
    const problems = everyExample().flatMap(({ value }) => {
      const { type, title, status } = toObject(value);
      return typeof type === "string" && type.startsWith("/problems/")
        ? [{ type, title, status }]
        : [];
    });

    for (const { name, title, status } of types)
      expect(problems).toContainEqual({ type: `/problems/${name}`, title, status });
  });

  function namesIn(response: Place): string[] {
    const narrowing = "/content/application~1problem+json/schema/allOf/1/properties/type/enum";
    const isProblem = "application/problem+json" in toObject(toObject(response.value).content);
    const paths = isProblem ? strings(response.pointer + narrowing) : [];
    return paths.map((path) => path.replace("/problems/", ""));
  }
});

describe("the options in openapi.yaml", () => {
  const options = toObject(findPlace("/components/schemas/WidgetOptions/properties").value);
  const described = Object.keys(options).map((name) => [name, toObject(options[name])] as const);

  it("are those of the service", () => {
    const names = [...Object.keys(WidgetOptions.shape), "widget_type"];

    expect(Object.keys(options).sort()).toEqual(names.sort());
  });

  it.each(described)("%s is described, for its widgets and MX versions", (_name, option) => {
    expect(option.description).toMatch(
      /^[A-Z`][\s\S]*\.\n\n\*\*Widgets:\*\* [\s\S]*\*\*MX API:\*\* [\s\S]*\.\n$/,
    );
    expect(option.examples).toHaveLength(1);
  });

  it.each(described)("%s is taken by just the MX versions that it names", (name, option) => {
    const [example] = Object.values(toObject(option.examples));
    const [, versions = ""] = /\*\*MX API:\*\* ([\s\S]*)/.exec(String(option.description)) ?? [];

    for (const source of ["v20111101", "v20250224", "sso"] as const) {
      const parse = createWidgetRequestParser({
        source,
        widgetTypes: WIDGET_TYPES,
        defaults: {},
        forced: {},
        clientRedirectUrls: [String(example)],
        webviewSchemes: [String(example)],
      });
      const isNamed = versions.includes(source === "sso" ? "SSO" : source);
      const ask = () => parse({ widget_url: { [name]: example } });
      if (isNamed) expect(ask).not.toThrow();
      else expect(ask).toThrow(name);
    }
  });

  it("have the service's widget types and products, in tables of their own", () => {
    const widgets = tableIn("/components/schemas/WidgetType/description");
    expect(strings("/components/schemas/WidgetType/enum")).toEqual(WIDGET_TYPES);
    expect(widgets.map(([type]) => type)).toEqual(WIDGET_TYPES.map((type) => `\`${type}\``));
    for (const [, text] of widgets) expect(text).toMatch(/^.{10,}\.$/);

    const ofSso = widgets.filter(([, , sso]) => sso === "yes").map(([type]) => type);
    expect(ofSso).toEqual(SSO_WIDGET_TYPES.map((type) => `\`${type}\``));

    const products = tableIn("/components/schemas/Product/description").map(([product]) => product);
    expect(strings("/components/schemas/Product/enum")).toEqual(PRODUCTS);
    expect(products).toEqual(PRODUCTS.map((product) => `\`${product}\``));
  });
});

/** Every object in the file, as it stands: references are not followed. */
function everyObject(pointer = "", value: unknown = contract): ObjectPlace[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.entries(value).flatMap(([key, child]) =>
    everyObject(`${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, child),
  );
  return [{ pointer, value: toObject(value) }, ...inside];
}

type ObjectPlace = { pointer: string; value: JsonObject };

function everyOperation(): Place[] {
  return findChildren(findPlace("/paths")).flatMap(([, pathItem]) =>
    findChildren(pathItem).map(([, operation]) => operation),
  );
}

/** Examples beside a schema, named or not, and those inside one. */
function everyExample(): { pointer: string; schema: string; value: unknown }[] {
  return everyObject().flatMap(({ pointer, value: { schema, example, examples } }) => {
    const inside = schema === undefined;
    return [
      ...(example === undefined ? [] : [["example", example] as const]),
      ...Object.entries(toObject(examples)).map(
        ([name, entry]) => [`examples/${name}`, inside ? entry : toObject(entry).value] as const,
      ),
    ].map(([key, value]) => ({
      pointer: `${pointer}/${key}`,
      schema: inside ? pointer : `${pointer}/schema`,
      value,
    }));
  });
}

function tagOf(operation: unknown): unknown {
  return Object.values(toObject(toObject(operation).tags))[0];
}

function withoutNames(path: string): JsonObject {
  const post = toObject(toObject(toObject(contract.paths)[path]).post);
  const { operationId, summary, description, ...rest } = post;
  return rest;
}

function asList(value: unknown): JsonObject[] {
  return Object.values(toObject(value)).map(toObject);
}

function strings(pointer: string): string[] {
  return Object.values(toObject(findPlace(pointer).value)).map(String);
}

/** The rows of the Markdown table in a text, without its head. */
function tableIn(pointer: string): string[][] {
  const rows = String(findPlace(pointer).value).matchAll(/^\|(.*)\|$/gm);
  const cells = [...rows].map(([, row = ""]) => row.split("|").map((cell) => cell.trim()));
  return cells.slice(2);
}
