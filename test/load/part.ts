/** What each part of a load run is given, and what it gives. */

import type { Figure } from "./figures.ts";
import type { Rig } from "./rig.ts";

export type Part = (context: PartContext) => Promise<Figure[]>;

export type PartContext = {
  rig: Rig;
  /** Sessions per second that the service carries on this machine, in this run. */
  peak: number;
  /** Whether this only tries out the tooling. */
  isQuick: boolean;
  /** The full length for a run that counts, the other for a quick one. */
  pick<T>(full: T, quick: T): T;
  /** How long the memory part lasts, where the default is not meant. */
  soakMs: number | undefined;
  /** Keeps a page or a picture in docs/load; not of a quick run. */
  writeDoc(name: string, content: string): Promise<void>;
};
