/** `--verify` in a process of its own, interrupted while MX makes the user. */

import { expect, it } from "vitest";
import { startIdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import { SECRETS } from "../support/canaries.ts";
import { startProgram } from "../support/program.ts";
import { baseEnvironment } from "../support/start.ts";

it.each(["SIGINT", "SIGTERM"] as const)(
  "%s: --verify waits for the create under way, and deletes",
  async (signal) => {
    await using mx = await startSimulator({ credentials: SECRETS });
    await using issuer = await startIdentityProvider({ algorithm: "ES256" });
    const isReached = Promise.withResolvers<void>();
    const mayGoOn = Promise.withResolvers<void>();
    mx.before("sso.create_user", async () => {
      isReached.resolve();
      await mayGoOn.promise;
    });
    const environment = baseEnvironment(mx, issuer, "both");
    await using program = startProgram({ args: ["--verify", "--json"], environment });
    await isReached.promise;
    program.signal(signal);
    program.signal(signal); // Impatience changes nothing.
    mayGoOn.resolve();

    expect(await program.exited).toBe(130);

    expect(mx.state.created.users).toBe(1);
    expect(mx.state.users.size).toBe(0);
    expect(JSON.parse(program.stdout())).toMatchObject({ interrupted: true, left_over: [] });
  },
);
