/** A configuration that starts, and the faults of one that does not. */

import { ConfigError } from "../../../src/config/faults.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { Environment, ReadFile } from "../../../src/config/variables.ts";

export const GOOD: Environment = {
  AUTH_ISSUER: "https://login.example.com",
  AUTH_AUDIENCE: "mx-session",
  MX_PLATFORM_CLIENT_ID: "client-1",
  MX_PLATFORM_API_KEY: "platform-key",
};

const noFiles: ReadFile = () => {
  throw new Error("no such file");
};

/** As `NAME what is wrong`. */
export function faultsOf(environment: Environment, readFile: ReadFile = noFiles): string[] {
  try {
    loadConfig(environment, readFile);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.faults.map(({ variable, message }) => `${variable} ${message}`);
    throw error;
  }
  return [];
}
