/**
 * What is written from the table of variables (src/config/variables.ts): `.env.example`, docs/configuration.md and
 * docs/tenants.schema.json. `npm run config-docs` writes them; test/unit/config/docs.test.ts fails while they are out of date.
 */

import * as z from "zod";
import { CLAIM, MAX_TENANTS, TENANT_NAME } from "../src/config/tenants.ts";
import { VALUE_TYPES } from "../src/config/values.ts";
import type { Variable } from "../src/config/variables/row.ts";
import { isOfTenant, SECTIONS, type Section, VARIABLES } from "../src/config/variables.ts";

/** Path from the root of the repository -> content. */
export function renderConfigDocs(): Record<string, string> {
  return {
    ".env.example": renderExample(),
    "docs/configuration.md": renderPage(),
    "docs/tenants.schema.json": `${JSON.stringify(renderTenantsSchema(), null, 2)}\n`,
  };
}

const EXAMPLE_HEAD = `# Configuration of mx-session-bff. Copy this file to .env, fill it in, and run \`npm start\`.
# An empty or commented-out variable has its default value. Lists are comma-separated, booleans are true or false, durations look
# like 8s or 250ms. Each secret can also be set as NAME_FILE, the path of a file with the value, but not as both.
# A variable in the environment wins over .env.
# At start, the service reports all errors at once, by name and never by value. docs/configuration.md has the same in a table.`;

const WIDTH = 120;

function renderExample(): string {
  const sections = SECTIONS.map(({ title, introduction, variables }) => {
    const rule = `# ── ${title} `.padEnd(WIDTH, "─");
    const head = introduction ? `${rule}\n${toComment(introduction)}` : rule;
    return [head, ...Object.entries(variables).map(toExample)].join("\n\n");
  });
  return `${[EXAMPLE_HEAD, ...sections].join("\n\n")}\n`;
}

function toExample([name, variable]: [string, Variable]): string {
  const lines = [toComment(`${variable.description}${toDefault(variable)}`)];
  lines.push(variable.example === undefined ? `# ${name}=` : `${name}=${variable.example}`);
  if (variable.secret) lines.push(`# ${name}_FILE=`);
  return lines.join("\n");
}

function toDefault({ default: value, example, secret }: Variable): string {
  if (value === undefined) return example !== undefined || secret ? "" : " Default: none";
  if (value === "") return " Default: none";
  return value.length > 80 ? " Default: all" : ` Default: ${value}`;
}

function toComment(markdown: string): string {
  const lines: string[] = [];
  let line = "#";
  for (const word of markdown.split(" ")) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\n");
}

const PAGE_HEAD = `<!-- Written by \`npm run config-docs\` from src/config/variables.ts. Do not edit. -->

# Configuration

Environment variables configure the service. \`npm start\` also reads them from \`.env\`, but a variable in the environment wins. [.env.example](../.env.example) is a template. At start, the
service validates all of them and reports every error at once, by name and never by value.

- An empty variable counts as unset. Lists are comma-separated. Durations look like \`8s\` or \`250ms\`.
- A value must not have quotes around it, a comment after it, or spaces at its start or end, and it must not contain byte-order marks or control characters.
  Shells and \`.env\` files remove quotes and comments, but \`docker run --env-file\` keeps them. JSON may contain line breaks. If a secret contains a space
  and \`#\`, put it into a file.
- A misspelt variable (\`CORS_ORIGIN\`) is an error, which names the most similar variable.
- **Secret**: the variable can also be set as \`NAME_FILE\`, the path of a file with the value. No secret reaches a log.
- **Scope**: a variable of the *process* is set in the environment. A variable of a *tenant* is set in the environment too, or per tenant in
  \`TENANTS_FILE\` if there are several ([tenants.md](tenants.md)).`;

function renderPage(): string {
  return `${[PAGE_HEAD, ...SECTIONS.map(renderSection)].join("\n\n")}\n`;
}

function renderSection({ title, introduction, variables }: Section): string {
  const rows = Object.entries(variables).map(([name, variable]) => {
    const { schema, scope, secret, description } = variable;
    const form = VALUE_TYPES.get(schema)?.form ?? "text";
    const value = variable.default ? `\`${variable.default}\`` : "none";
    const whose = scope === "both" ? "process and tenant" : scope;
    const cells = [`\`${name}\``, description, form, value, whose + (secret ? ", secret" : "")];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  const table = [
    "| Variable | Meaning | Value | Default | Scope |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
  return [`## ${title}`, ...(introduction ? [introduction] : []), table].join("\n\n");
}

/** TENANTS_FILE for editors and CI. Rules between variables are checked only by the service itself. */
function renderTenantsSchema(): object {
  const variables = Object.entries(VARIABLES).filter(([name]) => isOfTenant(name));
  const properties = variables.flatMap(([name, variable]) => [
    [name, toJsonValue(variable).describe(variable.description)] as const,
    ...(variable.secret
      ? [[`${name}_FILE`, z.string().describe(`File with ${name}.`)] as const]
      : []),
  ]);
  const tenant = z.strictObject({
    name: z.string().regex(TENANT_NAME).describe("Identifies the tenant in the log."),
    claim: CLAIM.optional().describe(
      "The claim, and its value, that this tenant's tokens have. Required if tenants share an issuer.",
    ),
    ...Object.fromEntries(properties.map(([name, schema]) => [name, schema.optional()])),
  });
  const file = z.strictObject({ tenants: z.array(tenant).min(1).max(MAX_TENANTS) });
  return {
    title: "TENANTS_FILE of mx-session-bff",
    ...z.toJSONSchema(file, { io: "input", unrepresentable: "any" }),
  };
}

function toJsonValue({ schema, secret }: Variable): z.ZodType {
  const json = VALUE_TYPES.get(schema)?.json;
  return json instanceof z.ZodType && !secret ? z.union([json, schema]) : schema;
}
