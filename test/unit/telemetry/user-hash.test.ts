import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createSecret } from "../../../src/secret.ts";
import { toUserId } from "../../../src/session/user-id.ts";
import { createPseudonym } from "../../../src/telemetry/user-hash.ts";
import { isInstalled } from "../../support/installed.ts";
import { principalOf } from "../fakes.ts";

const KEY = "a key with spaces, $signs and 'quotes' 0123456789";
const ADA = { issuer: "https://login.example.com", subject: "auth0|ada@example.com" };

describe("a user's pseudonym", () => {
  const toPseudonym = createPseudonym(createSecret(KEY));

  it("is the same for the same user, and another one for all others", () => {
    expect(toPseudonym(ADA)).toBe(toPseudonym({ ...ADA }));
    const others = [
      { ...ADA, subject: "bob" },
      { ...ADA, issuer: "https://other.example.com" },
      { issuer: `${ADA.issuer}auth0|`, subject: "ada@example.com" },
    ];
    const names = [ADA, ...others].map(toPseudonym);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[\w-]{22}$/);
  });

  it("cannot be told without the key", () => {
    const other = createPseudonym(createSecret(`${KEY}x`));
    expect(other(ADA)).not.toBe(toPseudonym(ADA));
  });

  it("is no part of the user's id at MX, even where both have the same key", () => {
    const secret = createSecret(KEY);
    const rule = { mode: "hmac", claim: "sub", secret } as const;
    const id = toUserId(rule, { ...principalOf({ sub: ADA.subject }), ...ADA });
    expect(id).not.toContain(toPseudonym(ADA));
  });

  it.skipIf(!isInstalled("openssl"))(
    "is what the documented command prints (skipped without openssl)",
    () => {
      const document = readFileSync(
        new URL("../../../docs/observability.md", import.meta.url),
        "utf8",
      );
      const [command = ""] = /^printf .*openssl dgst.*$/m.exec(document) ?? [];
      const { stdout } = spawnSync("sh", ["-c", command], {
        env: { ...process.env, ISSUER: ADA.issuer, SUBJECT: ADA.subject, AUDIT_KEY: KEY },
      });
      expect(stdout.toString().trim()).toBe(toPseudonym(ADA));
    },
  );
});
