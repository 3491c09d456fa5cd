import { format, inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { createSecret } from "../../src/secret.ts";
import { encodingsOf } from "../support/canaries.ts";

const VALUE = "correct-horse-battery";
const secret = createSecret(VALUE);

/** Node's own names, so that none is forgotten. */
const PRINTED: Record<string, () => string> = {
  inspect: () => inspect({ secret }, { depth: 9 }),
  "inspect, everything shown": () =>
    inspect(secret, { depth: 9, showHidden: true, getters: true, customInspect: false }),
  format: () => format("%s %o %O %j", secret, secret, secret, secret),
  "a template": () => `${secret} ${[secret]}`,
  concatenation: () => `a${String(secret)}`,
  "a number": () => String(Number(secret)),
  JSON: () => JSON.stringify({ secret, list: [secret] }),
  "a copy": () => JSON.stringify({ ...secret }) + inspect({ ...secret }),
  values: () => Object.values(secret).map(String).join() + Object.keys(secret).join(),
  "an error": () => inspect(new Error("x", { cause: { secret } })),
  "an error's message": () => new Error(`failed with ${secret}`).message,
  "a URL": () => new URL(`https://a.example/?k=${secret}`).href,
};

describe("a secret", () => {
  it("gives its value to those who ask for it", () => {
    expect(secret.reveal()).toBe(VALUE);
  });

  it.each(Object.entries(PRINTED))("does not show in %s", (_what, print) => {
    const text = print();
    for (const leak of Object.values(encodingsOf(VALUE)).flat()) expect(text).not.toContain(leak);
  });

  it("cannot be copied to another thread, nor changed", () => {
    expect(() => structuredClone(secret)).toThrow();
    expect(() => Object.assign(secret, { toString: () => VALUE })).toThrow();
  });
});
