/** HOSTED_NAME: one page for the whole deployment, which goes and frames only what the operator has listed. */

import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import { faultsOf, GOOD } from "./support.ts";

const APP = { ...GOOD, CLIENT_REDIRECT_URLS: "mybank://done" };
const MX = ["https://widgets.moneydesktop.com", "https://int-widgets.moneydesktop.com"];

describe("HOSTED_NAME", () => {
  it("is off unless it is set", () => {
    expect(loadConfig(APP).hosted).toBeUndefined();
  });

  it("frames MX's own hosts where no origins are listed", () => {
    expect(loadConfig({ ...APP, HOSTED_NAME: "Example Bank" }).hosted).toEqual({
      name: "Example Bank",
      redirects: ["mybank://done"],
      frameOrigins: MX,
    });
  });

  it("frames listed origins alone where there are any", () => {
    const WIDGET_URL_ORIGINS = "https://widgets.example.com";
    const { hosted } = loadConfig({ ...APP, HOSTED_NAME: "Example Bank", WIDGET_URL_ORIGINS });
    expect(hosted?.frameOrigins).toEqual(["https://widgets.example.com"]);
  });

  it("has the links and the hosts of all tenants, each once", () => {
    const tenant = (name: string, link: string, others: object = {}) => ({
      ...GOOD,
      name,
      AUTH_ISSUER: `https://${name}.example.com`,
      MX_PLATFORM_CLIENT_ID: name,
      MX_PLATFORM_API_KEY: `platform-key-of-${name}`,
      CLIENT_REDIRECT_URLS: [link, "shared://done"],
      ...others,
    });
    const file = JSON.stringify({
      tenants: [
        tenant("a", "a://done"),
        tenant("b", "b://done", { WIDGET_URL_ORIGINS: ["https://b.example.com"] }),
      ],
    });
    const { hosted } = loadConfig({ TENANTS_FILE: "t.json", HOSTED_NAME: "Vendor" }, () => file);
    expect(hosted).toEqual({
      name: "Vendor",
      redirects: ["a://done", "shared://done", "b://done"],
      frameOrigins: [...MX, "https://b.example.com"],
    });
  });

  it("needs somewhere to go", () => {
    expect(faultsOf({ ...GOOD, HOSTED_NAME: "Example Bank" })).toEqual([
      "HOSTED_NAME needs CLIENT_REDIRECT_URLS: the page for phones ends at one of the links listed there",
    ]);
  });

  it("is no second fault where the links have one", () => {
    const CLIENT_REDIRECT_URLS = "javascript:alert(1)";
    const faults = faultsOf({ ...GOOD, HOSTED_NAME: "Example Bank", CLIENT_REDIRECT_URLS });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^CLIENT_REDIRECT_URLS /);
  });

  it.each(["Crédit Coopératif", "بنك المثال", "A&B <Bank>", "B", "x".repeat(60)])(
    "may be %s",
    (name) => {
      expect(loadConfig({ ...APP, HOSTED_NAME: name }).hosted?.name).toBe(name);
    },
  );

  it.each([" Bank", "Bank ", "Ba\nnk", "Ba\u202enk", "Ba\u200bnk", "x".repeat(61), " "])(
    "is refused: %j",
    (name) => {
      const faults = faultsOf({ ...APP, HOSTED_NAME: name });
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatch(/^HOSTED_NAME (has|is too long)/);
    },
  );
});
