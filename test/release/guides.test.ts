/**
 * The guides compile as they stand: React in the project that Vite makes, its linter included, React Native against its
 * types, and what is shown for MX's SDK, in the guide and on the demo's page.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
// @ts-expect-error: a script of the partner's page, without types
import { SNIPPETS } from "../../demo/page/snippets.js";
import { GUIDE_PACKAGES, GUIDE_TYPES } from "../../scripts/fetch-guide-types.ts";
import {
  linkPackages,
  makeProject,
  makeViteProject,
  readGuideFiles,
  runIn,
  writeFiles,
} from "../support/guide.ts";

const ROOT_MODULES = new URL("../../node_modules/", import.meta.url).pathname;

describe("the guides in TypeScript", () => {
  it("for React, and for MX's web SDK, pass the checks of Vite's project", async () => {
    const react = await readGuideFiles("react.md");
    const sdk = [...(await readGuideFiles("web.md")), ...toSdkSnippets()];
    await using project = await makeViteProject([
      ...react,
      ...sdk.map(([name, content]) => [`src/${name}`, content] as const),
    ]);

    expect(react.map(([name]) => name)).toEqual([
      ".oxlintrc.json",
      "vite.config.ts",
      "src/MxWidget.tsx",
      "src/App.tsx",
      "src/mx-widget.d.ts",
      "src/Accounts.tsx",
      "next.config.ts",
    ]);
    expect(await runIn(project.folder, "tsc", ["-b"])).toEqual({ code: 0, output: "" });
    expect(await runIn(project.folder, "oxlint", ["--deny-warnings"])).toMatchObject({
      code: 0,
      output: expect.stringContaining("Found 0 warnings and 0 errors"),
    });
  });

  it("are told of a wrong name, so the checks do see the types", async () => {
    const wrong = [
      [
        "src/one.ts",
        `import { openWidget } from "../mx/embed.js";\nopenWidget("#a", { widgetTyp: 1 });\n`,
      ],
      [
        "src/two.ts",
        `import { ConnectWidget } from "@mxenabled/web-widget-sdk";\nConnectWidget.x;\n`,
      ],
    ] as const;
    await using project = await makeViteProject(wrong);

    const { code, output } = await runIn(project.folder, "tsc", ["-b"]);
    expect(code).not.toBe(0);
    for (const [name] of wrong) expect(output).toContain(name);
  });

  const isFetched = existsSync(join(GUIDE_TYPES, "react-native")) || process.env.CI === "true";
  it.skipIf(!isFetched)(
    "for React Native compile (skipped without npm run guide-types)",
    async () => {
      const files = await readGuideFiles("react-native.md");
      await using project = await makeProject();
      await linkPackages(project.folder, GUIDE_TYPES, Object.keys(GUIDE_PACKAGES));
      await linkPackages(project.folder, ROOT_MODULES, ["react", "@types/react"]);
      await writeFiles(project.folder, [...files, ["tsconfig.json", JSON.stringify(REACT_NATIVE)]]);

      expect(files.length).toBeGreaterThan(4);
      expect(await runIn(project.folder, "tsc", [])).toEqual({ code: 0, output: "" });
      await writeFiles(project.folder, [
        ["wrong.ts", `import { Back } from "react-native";\nBack();\n`],
        ["wrong-sdk.tsx", WRONG_SDK],
      ]);
      const { output } = await runIn(project.folder, "tsc", []);
      expect(output).toContain("wrong.ts(1,10): error TS2305");
      expect(output).toMatch(/wrong-sdk\.tsx\(2,\d+\): error TS2322: .*clientRedirectUri/s);
      expect(output).toMatch(/wrong-sdk\.tsx\(3,\d+\): error TS2339: .*guid/s);
    },
  );
});

/** Two typos that the SDK's own types let through with React 19. */
const WRONG_SDK = `import { ConnectWidget } from "@mxenabled/react-native-widget-sdk";
export const one = <ConnectWidget proxy="x" clientRedirectUri="y" />;
export const two = <ConnectWidget proxy="x" onMemberConnected={({ guid }) => guid} />;
`;

/** As `@react-native/typescript-config`. */
const REACT_NATIVE = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    target: "esnext",
    module: "esnext",
    moduleResolution: "bundler",
    customConditions: ["react-native"],
    lib: ["es2023"],
    jsx: "react-jsx",
    esModuleInterop: true,
    skipLibCheck: true,
    types: ["react-native"],
  },
};

/** Of the demo's page, with and without options that the SDK has no names for. */
function toSdkSnippets(): [name: string, content: string][] {
  const ask = { serviceUrl: "http://127.0.0.1:3000", language: "es" };
  const login = "declare function getToken(): Promise<string>;\n";
  const mine = { color_scheme: "dark", client_redirect_url: "bank://x", use_cases: ["PFM"] };
  const more = { data_request: { products: ["transactions"] }, locale: "fr-CA" };
  const asks = [
    { ...ask, widgetType: "connect_widget", options: mine },
    { ...ask, widgetType: "connect_widget", options: { ...mine, ...more } },
    { ...ask, widgetType: "pulse_widget", options: { ...more, color_scheme: "browser" } },
    { ...ask, widgetType: "net_worth_widget", options: {} },
  ];
  return asks.map((each, index) => [`snippet-${index}.ts`, login + SNIPPETS.sdk(each)]);
}
