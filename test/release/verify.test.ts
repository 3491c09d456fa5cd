/** `--verify` in a process of its own, interrupted while MX makes the user. */

import { expect, it } from "vitest";
import { startProgram } from "../support/program.ts";
import { startUpstreams } from "../support/start.ts";

it.each(["SIGINT", "SIGTERM"] as const)(
  "%s: --verify waits for the create under way, and deletes",
  async (signal) => {
    await using upstreams = await startUpstreams();
    const { mx } = upstreams;
    const isReached = Promise.withResolvers<void>();
    const mayGoOn = Promise.withResolvers<void>();
    mx.before("sso.create_user", async () => {
      isReached.resolve();
      await mayGoOn.promise;
    });
    const environment = upstreams.environment("both");
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
