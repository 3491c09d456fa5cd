/**
 * embed.d.ts is written by hand: held against what the compiler finds in embed.js, and against uses that must or must not compile.
 */

import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const EMBED = new URL("../../../packages/embed/", import.meta.url);
const TSC = new URL("../../../node_modules/.bin/tsc", import.meta.url).pathname;
const NODE = new URL("../../../node_modules/.bin/node", import.meta.url).pathname;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "embed-types-"));
  await copyFile(new URL("embed.js", EMBED), join(folder, "implementation.js"));
  await copyFile(new URL("embed.d.ts", EMBED), join(folder, "embed.d.ts"));
});
afterAll(() => rm(folder, { recursive: true }));

it("says of each export, property and method what embed.js has", async () => {
  expect(
    await compile(`
      import * as actual from "./implementation.js";
      import * as declared from "./embed.js";

      declared satisfies Record<keyof typeof actual, unknown>;
      actual satisfies Record<keyof typeof declared, unknown>;

      type Actual = actual.MxWidgetElement;
      type Declared = declared.MxWidgetElement;
      type Callback = "connectedCallback" | "connectedMoveCallback" | "disconnectedCallback" | "attributeChangedCallback";
      export const noneMissing = (name: Exclude<keyof Declared, keyof Actual>): never => name;
      export const noneUndeclared = (name: Exclude<keyof Actual, keyof Declared | Callback>): never => name;

      type Own = Exclude<keyof Declared, keyof HTMLElement> | "focus";
      export const asDeclared = (widget: Actual): Pick<Declared, Own> => widget;
      export const open: (...all: Parameters<typeof declared.openWidget>) => Pick<Declared, Own> = actual.openWidget;
    `),
  ).toBe("");
});

it("lets through what the guides show", async () => {
  expect(
    await compile(`
      import { openWidget } from "./embed.js";

      const widget = openWidget("#place", {
        getToken: async ({ isRefresh, signal }) => (await fetch(isRefresh ? "/fresh" : "/token", { signal })).text(),
        options: { color_scheme: "dark", data_request: { products: ["transactions"] } },
        onMessage(message) {
          if (message.type === "mx/connect/memberConnected") message.metadata.member_guid satisfies string;
          if (message.type === "mx/connect/memberStatusUpdate") message.metadata.connection_status satisfies number;
        },
        onError: ({ code, retryAfterSeconds, requestId }) => [code, retryAfterSeconds, requestId],
      });
      widget.addEventListener("mx/connect/oauthRequested", ({ detail }) => detail.url satisfies string);
      widget.addEventListener("mx-close", ({ detail }) => detail.reason satisfies "done" | "closed" | "removed");
      document.querySelector("mx-widget")?.back() satisfies Promise<boolean> | undefined;
      openWidget(document.body, { credentials: "include" });
    `),
  ).toBe("");
});

it("does not let through what cannot work", async () => {
  const misuses = [
    `openWidget("#place", {})`,
    `openWidget("#place", { getToken: "a.b.c" })`,
    `openWidget("#place", { getToken: () => "a", colour: "red" })`,
    `openWidget("#place", { getToken: () => "a", options: { color_scheme: "red" } })`,
    `openWidget("#place", { getToken: () => "a", onMessage: ({ type }) => type === "mx/lod" })`,
    `document.createElement("mx-widget").state = "open"`,
  ];
  const uses = misuses.map((misuse) => `// @ts-expect-error\n${misuse};`);
  expect(await compile(["import { openWidget } from './embed.js';", ...uses].join("\n"))).toBe("");
});

it("has embed.js load on a server, where there is no DOM", async () => {
  const url = new URL("embed.js", EMBED).href;
  const { stdout } = await promisify(execFile)(NODE, [
    "--input-type=module",
    "-e",
    `const { openWidget } = await import(${JSON.stringify(url)}); console.log(typeof openWidget);`,
  ]);
  expect(stdout).toBe("function\n");
});

it("is what the package exports", async () => {
  const { exports } = JSON.parse(await readFile(new URL("../../package.json", EMBED), "utf8"));
  expect(exports["./embed"]).toEqual({
    types: "./packages/embed/embed.d.ts",
    default: "./packages/embed/embed.js",
  });
});

/** What the compiler has against a module, as text. */
async function compile(source: string): Promise<string> {
  const file = join(folder, `use-${crypto.randomUUID()}.ts`);
  await writeFile(file, source);
  const options =
    "--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --allowJs --checkJs --target es2024 --module nodenext --lib es2024,dom,dom.iterable --types";
  return promisify(execFile)(TSC, [...options.split(" "), "", file], { cwd: folder }).then(
    () => "",
    ({ stdout }: { stdout: string }) => stdout,
  );
}
