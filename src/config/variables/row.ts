/** One row of the table of variables, and what rows have in common. */

import type * as z from "zod";

export type Variable = {
  /** From the variable's text to its value. Its messages name no value. */
  schema: z.ZodType<unknown, string>;
  /**
   * `process`: set in the environment. `tenant`: may differ per tenant, so with TENANTS_FILE it is set there. `both`: set in
   * both, for what belongs to each.
   */
  scope: "process" | "tenant" | "both";
  /** Can also be given as `NAME_FILE`, the path of a file with the value. */
  secret?: true;
  /** Another name that it is read by where it is not set itself. */
  alias?: string;
  /** As an operator would write it. */
  default?: string;
  /** What `.env.example` sets, for the few variables that everybody sets. */
  example?: string;
  /** In Markdown, for `.env.example` and docs/configuration.md. */
  description: string;
};

type Row = Omit<Variable, "scope"> & Partial<Pick<Variable, "scope">>;

/** Rows that belong to a tenant, or to the process, unless one of them says otherwise. */
const rowsOf =
  (scope: Variable["scope"]) =>
  <const Rows extends Readonly<Record<string, Row>>>(rows: Rows) =>
    Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, { scope, ...row }])) as {
      [Name in keyof Rows]: Rows[Name] & Pick<Variable, "scope">;
    };

export const ofTenant = rowsOf("tenant");
export const ofProcess = rowsOf("process");

export type Section = {
  title: string;
  introduction?: string;
  variables: Readonly<Record<string, Variable>>;
};
