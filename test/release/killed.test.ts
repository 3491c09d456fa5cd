/** A process that is killed in the middle of its work leaves nothing behind that the next call cannot mend. */

import { describe, expect, it } from "vitest";
import { startBehindFaults } from "../support/fault-server.ts";
import { startServiceProcess } from "../support/program.ts";
import { baseEnvironment } from "../support/start.ts";

describe("a process that is killed between the User and its Member", () => {
  it("leaves a half-made user, whom the next call of another process completes", async () => {
    await using service = await startBehindFaults({ apis: "sso" });
    await using other = await startServiceProcess({
      ...baseEnvironment(service.mx, service.issuer, "sso"),
      MX_SSO_BASE_URL: service.sso.url,
    });
    service.sso.misbehave(({ operation }) =>
      operation === "sso.create_member" ? { kind: "silence" } : undefined,
    );
    const asked = fetch(`${other.url}/session`, {
      method: "POST",
      headers: { Authorization: await service.bearer("ada") },
    }).catch(() => "cut off");
    await expect.poll(() => service.sso.operations().at(-1)).toBe("sso.create_member");
    other.signal("SIGKILL");

    expect(await asked).toBe("cut off");
    expect(service.mx.state.created).toMatchObject({ users: 1, members: 0 });
    service.sso.reset();
    expect((await service.post("ada")).status).toBe(200);
    expect(service.mx.state.created).toMatchObject({ users: 1, members: 1 });
  });
});
