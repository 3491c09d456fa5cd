/** All that is wrong with a configuration, at once. Values never stand in it. */

export type ConfigFault = { variable: string; message: string };

export type Report = (variable: string, message: string) => void;

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ variable, message }) => `  ${variable} ${message}`).join("\n"));
    this.faults = faults;
  }
}
