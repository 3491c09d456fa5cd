/** A folder as Kubernetes mounts a Secret or a ConfigMap: files are links into a folder that is swapped as a whole. */

import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "./clock.ts";

export type SecretVolume = Disposable & {
  path(name: string): string;
  /** Swaps all files at once. */
  swap(files: Readonly<Record<string, string>>): void;
  /** Writes one file in place. */
  write(name: string, content: string): void;
};

export function mountVolume(files: Readonly<Record<string, string>>): SecretVolume {
  const folder = mkdtempSync(join(tmpdir(), "volume-"));
  let version = 0;
  const swap: SecretVolume["swap"] = (next) => {
    version += 1;
    mkdirSync(join(folder, `v${version}`));
    for (const [name, content] of Object.entries(next))
      writeFileSync(join(folder, `v${version}`, name), content);
    symlinkSync(`v${version}`, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  swap(files);
  for (const name of Object.keys(files)) symlinkSync(`..data/${name}`, join(folder, name));
  return {
    path: (name) => join(folder, name),
    swap,
    write: (name, content) => writeFileSync(join(folder, name), content),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

/** Until the service, which looks every ten seconds, has read all its files: a look that is due meanwhile is left out. */
export const lookAtFiles = (clock: Clock) => clock.advance(10_001);
