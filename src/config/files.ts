/** Which files a configuration was read from, and what was in them: so that a change is noticed later. */

import { createHash } from "node:crypto";
import { createSecret } from "../secret.ts";
import { trimFile } from "./texts.ts";
import type { Environment, NamedFile, ReadFile } from "./types.ts";
import { KNOWN_NAMES } from "./variables.ts";

const FILE_VARIABLES = KNOWN_NAMES.filter((name) => name.endsWith("_FILE"));

export type FileRecord = {
  /** Reads, and keeps a digest. */
  read: ReadFile;
  /** Those that these variables name, as far as they were read. */
  named(variables: Environment, tenant?: string): NamedFile[];
};

export function recordFiles(readFile: ReadFile): FileRecord {
  const digests = new Map<string, string>();
  return {
    read(path) {
      const content = readFile(path);
      digests.set(path, toFileDigest(content));
      return content;
    },
    named: (variables, tenant) =>
      FILE_VARIABLES.flatMap((variable) => {
        const path = variables[variable];
        const digest = path ? digests.get(path) : undefined;
        if (!path || digest === undefined) return [];
        return { variable, tenant, path, digest: createSecret(digest) };
      }),
  };
}

/** Line breaks at the end make no difference. */
export function toFileDigest(content: string): string {
  return createHash("sha256").update(trimFile(content)).digest("base64");
}
