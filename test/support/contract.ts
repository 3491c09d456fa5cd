/**
 * Holds answers of the public port against openapi.yaml: what the service says must stand in the file.
 *
 * Sources: OpenAPI 3.1.1; JSON Schema 2020-12; RFC 9457, section 3.1 (`status`); RFC 9110, section 9.3.2 (HEAD).
 */

import { readFileSync } from "node:fs";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { parse } from "yaml";

/** An answer with what it answers; a supertest `Response` is one. */
export type Exchange = {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  text: string;
  request: { method: string; url: string };
};

export type JsonObject = Record<string, unknown>;

/** A place in the file, by JSON pointer. */
export type Place = { pointer: string; value: unknown };

export const contract: JsonObject = parse(
  readFileSync(new URL("../../openapi.yaml", import.meta.url), "utf8"),
);

const ajv = new Ajv2020({ strict: true, allErrors: true });
formats.default(ajv);
ajv.addVocabulary(Object.keys(contract)); // The file as a whole stands where a schema would.
ajv.addSchema(contract, "contract");

/** Throws with every difference between the answer and what the file says about its path, method and status. */
export function expectToMatchContract(exchange: Exchange): void {
  const faults = findFaults(exchange);
  if (faults.length === 0) return;
  const { status, request } = exchange;
  const what = `${request.method} ${toPath(request.url)} -> ${status} is not as in openapi.yaml`;
  throw new Error([what, ...faults].join("\n- "));
}

/** Whether the file's schema for the body of `POST /session` accepts it. */
export function validateRequestBody(body: unknown): boolean {
  return findSchemaFaults("/components/schemas/WidgetUrlRequest", body).length === 0;
}

/** What the schema at `pointer` has against a value, in words. */
export function findSchemaFaults(pointer: string, value: unknown): string[] {
  const validate = schemaAt(pointer);
  return validate(value) ? [] : (validate.errors ?? []).map(toWords);
}

/** The place that a pointer means; references on the way are followed. Throws where there is none. */
export function findPlace(pointer: string): Place {
  let place: Place = { pointer: "", value: contract };
  for (const key of pointer.split("/").slice(1)) {
    const next = findChild(place, key.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (!next) throw new Error(`openapi.yaml has nothing at ${pointer}`);
    place = next;
  }
  return place;
}

/** The members of an object or array, references followed. */
export function findChildren(parent: Place | undefined): [key: string, child: Place][] {
  return Object.keys(toObject(parent?.value)).flatMap((key): [string, Place][] => {
    const child = findChild(parent, key);
    return child ? [[key, child]] : [];
  });
}

export function toObject(value: unknown): JsonObject {
  return typeof value === "object" && value !== null ? (value as JsonObject) : {};
}

function findChild(parent: Place | undefined, key: string): Place | undefined {
  const members = toObject(parent?.value);
  if (!parent || !Object.hasOwn(members, key)) return undefined;
  const value = members[key];
  const { $ref } = toObject(value);
  if (typeof $ref === "string") return findPlace($ref.slice(1));
  return { pointer: `${parent.pointer}/${escapeKey(key)}`, value };
}

function escapeKey(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function schemaAt(pointer: string): ValidateFunction {
  const fragment = pointer.split("/").map(encodeURIComponent).join("/");
  const validate = ajv.getSchema(`contract#${fragment}`);
  if (!validate) throw new Error(`openapi.yaml has no schema at ${pointer}`);
  return validate;
}

function toWords({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath || "the whole"} ${message} ${JSON.stringify(params)}`;
}

function toPath(url: string): string {
  return new URL(url, "http://localhost").pathname;
}

function findFaults(exchange: Exchange): string[] {
  const { status, request } = exchange;
  const method = request.method.toLowerCase();
  const path = toPath(request.url);
  const pathItem =
    findPathItem(path) ?? findPathItem(path.replace(/(?<=\/(session|widget_urls))\/$/, ""));
  if (!pathItem) {
    if (status !== 404) return ["the path is not in the contract, so the status must be 404"];
    return findAnswerFaults(exchange, findPlace("/components/responses/NotFound"));
  }

  const operation = findChild(pathItem, method === "head" ? "get" : method);
  if (!operation && method === "options" && status === 204) return findPreflightFaults(exchange);
  if (!operation && status < 400) return [`the contract has no ${request.method} at this path`];

  // Other methods are refused as the path's own method would be: by a 405, or by what comes before it.
  const documented = operation ?? findOperation(pathItem);
  const response = findChild(findChild(documented, "responses"), String(status));
  if (!response) return [`the contract has no status ${status} at this path and method`];
  return findAnswerFaults(exchange, response);
}

function findPathItem(path: string): Place | undefined {
  const isTemplateOf = (template: string) =>
    new RegExp(`^${template.replaceAll(".", "\\.").replaceAll(/\{[^}]+\}/g, "[^/]+")}$`).test(path);
  return findChildren(findPlace("/paths")).find(([template]) => isTemplateOf(template))?.[1];
}

function findOperation(pathItem: Place): Place | undefined {
  return findChildren(pathItem).find(([, { value }]) => "responses" in toObject(value))?.[1];
}

function findPreflightFaults({ headers, text }: Exchange): string[] {
  const faults = [];
  if (headers.allow === undefined) faults.push("the header Allow is missing");
  if (text) faults.push("a 204 has no body");
  return faults;
}

function findAnswerFaults(exchange: Exchange, response: Place): string[] {
  return [...findHeaderFaults(exchange, response), ...findBodyFaults(exchange, response)];
}

function findHeaderFaults({ headers }: Exchange, response: Place): string[] {
  return findChildren(findChild(response, "headers")).flatMap(([name, header]) => {
    const text = headers[name.toLowerCase()];
    if (text === undefined)
      return toObject(header.value).required ? [`the header ${name} is missing`] : [];
    const { pointer, value: schema } = findPlace(`${header.pointer}/schema`);
    const value = toObject(schema).type === "integer" ? Number(text) : text;
    return findSchemaFaults(pointer, value).map((fault) => `the header ${name}: ${fault}`);
  });
}

function findBodyFaults(exchange: Exchange, response: Place): string[] {
  const { headers, text, request } = exchange;
  const mediaType = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
  const content = findChildren(findChild(response, "content"));
  if (content.length === 0) return text ? ["the contract has no body for this answer"] : [];
  const documented = content.find(([name]) => name === mediaType)?.[1];
  if (!documented) {
    const names = content.map(([name]) => name).join(", ");
    return [`the content type is "${mediaType}", in the contract: ${names}`];
  }
  if (request.method === "HEAD") return text ? ["an answer to HEAD has no body"] : [];

  const isJson = /[/+]json$/.test(mediaType);
  const body = isJson ? parseJson(text) : text;
  if (body === undefined) return ["the body is not JSON"];
  const faults = findSchemaFaults(findPlace(`${documented.pointer}/schema`).pointer, body);
  if (mediaType !== "application/problem+json") return faults;
  return [...faults, ...findProblemFaults(exchange, toObject(body))];
}

function findProblemFaults({ status, headers }: Exchange, problem: JsonObject): string[] {
  const faults = [];
  if (problem.status !== status) faults.push(`the member status is ${problem.status}`);
  if (problem.request_id !== headers["x-request-id"])
    faults.push("request_id is not the X-Request-Id of the answer");
  return faults;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
