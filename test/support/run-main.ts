/** The program with arguments, in this process: what it writes, and its exit code. */

import { vi } from "vitest";
import { runCommandLine } from "../../src/cli.ts";
import type { Environment } from "../../src/config/variables.ts";

export type Ended = { code: number | undefined; out: string; errors: string };

export async function runMain(
  args: readonly string[],
  environment: Environment = {},
): Promise<Ended> {
  const texts = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text, ...rest) => {
      texts[name] += text;
      for (const each of rest as unknown[]) if (typeof each === "function") each();
      return true;
    }),
  );
  const code = await runCommandLine(args, environment);
  for (const spy of spies) spy.mockRestore();
  return { code, out: texts.stdout, errors: texts.stderr };
}
