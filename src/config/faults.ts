/** Everything that is wrong with a configuration, without any of its values. */

export type ConfigFault = { variable: string; message: string };

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ variable, message }) => `  ${variable} ${message}`).join("\n"));
    this.faults = faults;
  }
}

/** Collects faults in the order in which they are found. */
export type Faults = {
  /** Keeps the first fault of each variable: an unreadable value is not also a missing one. */
  add(variable: string, message: string): void;
  /** Whether a variable has a fault whose name is, or begins with, one of these. */
  has(...names: readonly string[]): boolean;
  all(): readonly ConfigFault[];
};

export function createFaults(): Faults {
  const byVariable = new Map<string, ConfigFault>();
  return {
    add(variable, message) {
      const key = variable.replace(/_FILE$/, "");
      if (!byVariable.has(key)) byVariable.set(key, { variable, message });
    },
    has: (...names) =>
      [...byVariable.keys()].some((key) => names.some((name) => key.startsWith(name))),
    all: () => [...byVariable.values()],
  };
}
