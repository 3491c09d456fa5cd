/**
 * No two secret variables may have the same value: a secret that serves twice is as weak as the weaker place it is kept in,
 * and hashes of two purposes must not be comparable.
 */

import { decodePercent } from "../text.ts";
import type { Faults } from "./faults.ts";
import { SECRET_NAMES, type Variables } from "./variables.ts";

/** The variables of the process, or of one tenant with what it is called in faults: `tenants[1] (b)`. */
export type SecretHolder = { label?: string; variables: Variables };

type Use = { name: string; label: string | undefined };

/** One variable may have the same value in several tenants. */
export function reportReusedSecrets(holders: readonly SecretHolder[], faults: Faults): void {
  const uses = new Map<string, Use>();
  for (const name of MX_FIRST) {
    for (const { label, variables } of holders) {
      for (const value of valuesOf(variables[name]?.reveal())) {
        const first = uses.get(value);
        if (!first) uses.set(value, { name, label });
        else if (!mayBeEqual(first.name, name))
          faults.add(toPlace(name, label), `must differ from ${toWords(first, label)}`);
      }
    }
  }
}

/** MX's keys are given: where one of them equals a secret of the operator's own, that one has to change. */
const MX_FIRST = [
  ...SECRET_NAMES.filter((name) => name.startsWith("MX_")),
  ...SECRET_NAMES.filter((name) => !name.startsWith("MX_")),
];

/** MX gives one key for both. */
const OF_ONE_KEY = new Set(["MX_MDX_API_KEY", "MX_SSO_API_KEY"]);

function mayBeEqual(one: string, other: string): boolean {
  return one === other || (OF_ONE_KEY.has(one) && OF_ONE_KEY.has(other));
}

/**
 * URLs hold secrets, too: the password, or the user name where it stands alone. Blanks around a secret, which files can
 * have, make it no other secret.
 */
function valuesOf(secret: string | undefined): string[] {
  if (secret === undefined) return [];
  const inUrls = secret.split(",").flatMap((item) => {
    const url = URL.canParse(item) ? new URL(item) : undefined;
    return url?.password || url?.username || [];
  });
  return [secret, ...inUrls.map(decodePercent)].map((value) => value.trim());
}

function toPlace(name: string, label: string | undefined): string {
  return label === undefined ? name : `${label}: ${name}`;
}

function toWords({ name, label }: Use, place: string | undefined): string {
  return label === undefined || label === place ? name : `${name} of ${label}`;
}
