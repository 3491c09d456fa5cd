/** One row of the table of variables, and what rows have in common. */

import type * as z from "zod";
import { path } from "../values.ts";

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

/** The pair that is shown to upstreams, such as gateways, that ask for a certificate. `more`: about the hosts. */
export function clientCertificate<const Name extends string>(
  name: Name,
  hosts: string,
  more = "",
  scope: "tenant" | "both" = "tenant",
) {
  const [cert, key] = [`${name}_CERT_FILE`, `${name}_KEY_FILE`] as const;
  const ofFile = (description: string) => ({ schema: path, scope, description });
  return {
    [cert]: ofFile(
      `Client certificate in PEM format, for ${hosts}: the service's own certificate first, then the intermediate certificates. The service shows it only to these hosts, and only if they ask for one.${more} Needs \`${key}\`. New connections use a new pair within 30 seconds, without a restart.`,
    ),
    [key]: ofFile(`Private key of \`${cert}\`, in PEM format, without a passphrase.`),
  } as Record<typeof cert | typeof key, ReturnType<typeof ofFile>>;
}
