/**
 * embed.d.ts as a page's compiler sees it: uses that must and must not compile, and MX's options as the service knows them.
 */

import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, expectTypeOf, it } from "vitest";
import type {
  WidgetOptions as EmbedOptions,
  Product,
  WidgetType,
} from "../../packages/embed/src/index.ts";
import type { PRODUCTS, WIDGET_TYPES, WidgetOptions } from "../../src/session/widget-options.ts";

const EMBED = new URL("../../packages/embed/", import.meta.url);
const TSC = new URL("../../node_modules/.bin/tsc", import.meta.url).pathname;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "embed-types-"));
  await copyFile(new URL("embed.d.ts", EMBED), join(folder, "embed.d.ts"));
});
afterAll(() => rm(folder, { recursive: true }));

it("lets through what the guides show", async () => {
  expect(
    await compile(`
      import { MxWidgetElement, openWidget, type WidgetSettings } from "./embed.js";

      const widget = openWidget("#place", {
        widgetType: "connect_widget",
        getToken: async ({ isRefresh, signal }) => (await fetch(isRefresh ? "/fresh" : "/token", { signal })).text(),
        options: { color_scheme: "dark", data_request: { products: ["transactions"] } },
        additionalOptions: { an_option_of_tomorrow: 1 },
        onMessage(message) {
          if (message.type === "mx/connect/memberConnected") message.metadata.member_guid satisfies string;
          if (message.type === "mx/connect/memberStatusUpdate") message.metadata.connection_status satisfies number;
          if (message.type === "mx/connect/microdeposits/verified") message.metadata.microdeposit_guid satisfies string;
        },
        onError: ({ code, retryAfterSeconds, requestId }) => [code, retryAfterSeconds, requestId],
        onStalled: () => undefined,
      });
      widget.addEventListener("mx/connect/oauthRequested", ({ detail }) => detail.url satisfies string);
      widget.addEventListener("mx-close", ({ detail }) => detail.reason satisfies "done" | "closed" | "removed");
      widget.addEventListener("click", ({ clientX }) => clientX satisfies number);
      widget.getToken = () => "a.b.c";
      widget.prefetch = "hover";
      widget.prepare() satisfies Promise<boolean>;
      document.querySelector("mx-widget")?.back() satisfies Promise<boolean> | undefined;
      document.createElement("mx-widget") satisfies MxWidgetElement & HTMLElement;
      openWidget(document.body, { credentials: "include", trigger: "link", prefetch: "visible" });
      openWidget(document.body, { getUrl: async () => "https://widgets.moneydesktop.com/md/connect/x" });
      export const settings: WidgetSettings = { getToken: () => "a.b.c" };
    `),
  ).toBe("");
});

it("does not let through what cannot work", async () => {
  const misuses = [
    `openWidget("#place", {})`,
    `openWidget("#place", { getToken: "a.b.c" })`,
    `openWidget("#place", { getToken: () => "a", colour: "red" })`,
    `openWidget("#place", { getToken: () => "a", widgetType: "conect_widget" })`,
    `openWidget("#place", { getToken: () => "a", options: { color_scheme: "red" } })`,
    `openWidget("#place", { getToken: () => "a", options: { curent_member_guid: "MBR-1" } })`,
    `openWidget("#place", { getToken: () => "a", options: { data_request: { products: ["transaction"] } } })`,
    `openWidget("#place", { getToken: () => "a", prefetch: "focus" })`,
    `openWidget("#place", { getToken: () => "a", onMessage: ({ type }) => type === "mx/lod" })`,
    `document.createElement("mx-widget").addEventListener("mx-error", ({ detail }) => detail.kode)`,
    `document.createElement("mx-widget").state = "open"`,
  ];
  const uses = misuses.map((misuse) => `// @ts-expect-error\n${misuse};`);
  expect(await compile(["import { openWidget } from './embed.js';", ...uses].join("\n"))).toBe("");
});

it("knows the widget types and options that the service knows", () => {
  expectTypeOf<WidgetType>().toEqualTypeOf<(typeof WIDGET_TYPES)[number]>();
  expectTypeOf<Product>().toEqualTypeOf<(typeof PRODUCTS)[number]>();
  expectTypeOf<keyof EmbedOptions>().toEqualTypeOf<keyof WidgetOptions>();
  expectTypeOf<EmbedOptions>().toExtend<WidgetOptions>();
  expectTypeOf<Flat<EmbedOptions>>().toEqualTypeOf<Flat<WidgetOptions>>();
});

/** Without the options that are objects: zod also lets their members be undefined. */
type Flat<Options> = {
  [K in keyof Omit<Options, "data_request" | "deep_link_params" | "style">]-?: Exclude<
    Options[K],
    undefined
  >;
};

/** What the compiler has against a module, as text. */
async function compile(source: string): Promise<string> {
  const file = join(folder, `use-${crypto.randomUUID()}.ts`);
  await writeFile(file, source);
  const options =
    "--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --target es2024 --module nodenext --lib es2024,dom,dom.iterable --types";
  return promisify(execFile)(TSC, [...options.split(" "), "", file], { cwd: folder }).then(
    () => "",
    ({ stdout }: { stdout: string }) => stdout,
  );
}
