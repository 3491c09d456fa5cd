import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import { faultsOf, GOOD } from "./support.ts";

const OPTIONS = '{\n  "color_scheme": "dark"\n}';
const STRONG = "0123456789abcdef0123456789abcdef";

describe("a value as a tool hands it over", () => {
  it.each<[string, string, string, RegExp]>([
    ["double quotes", "AUTH_ISSUER", '"https://login.example.com"', /^has quotes .* remove/],
    ["single quotes", "MX_PLATFORM_API_KEY", "'key'", /^has quotes/],
    ["quotes of a word processor", "MX_PLATFORM_API_KEY", "“key”", /^has quotes/],
    ["quotes around nothing", "CORS_ORIGINS", '""', /^has quotes/],
    ["quotes around JSON", "WIDGET_DEFAULTS", `'${OPTIONS}'`, /^has quotes/],
    [
      "quotes around each of a list",
      "CORS_ORIGINS",
      '"https://a.example","https://b.example"',
      /^has quotes/,
    ],
    ["quotes around a number", "MAX_IN_FLIGHT", "'200'", /^has quotes/],
    ["quotes around a path", "MX_PLATFORM_API_KEY_FILE", '"/run/key"', /^has quotes/],
    [
      "a comment",
      "REQUEST_DEADLINE",
      "8s # for a request",
      /^has a comment in its value; remove it$/,
    ],
    ["a comment after a tab", "LOG_LEVEL", "info\t# default", /^has a comment/],
    ["a comment without a blank after it", "LOG_LEVEL", "info #default", /^has a comment/],
    ["nothing but a comment", "RATE_LIMIT_USER", "# 60/1m", /^has a comment/],
    ["a comment behind JSON", "WIDGET_DEFAULTS", `${OPTIONS} # dark`, /^has a comment/],
    [
      "a comment behind a secret",
      "MX_PLATFORM_API_KEY",
      "key # MX",
      /^has a comment .*file.*MX_PLATFORM_API_KEY_FILE/,
    ],
    ["a blank at its end", "AUTH_ISSUER", "https://login.example.com ", /^has a blank .*remove/],
    ["a blank at its start", "AUTH_AUDIENCE", " bff", /^has a blank/],
    ["a tab at its end", "PORT", "3000\t", /^has a blank/],
    ["a no-break space at its end", "MX_PLATFORM_API_KEY", "key\u00a0", /^has a blank/],
    ["a line break at its end", "MX_PLATFORM_API_KEY", "key\n", /^has a blank or a line break/],
    [
      "a carriage return at its end",
      "MX_PLATFORM_CLIENT_ID",
      "client\r",
      /^has a blank or a line break/,
    ],
    ["nothing but blanks", "CORS_ORIGINS", "  ", /^has a blank/],
    ["a byte-order mark", "AUTH_AUDIENCE", "\ufeffbff", /^starts with a byte-order mark.*without/],
    ["a control character", "USER_ID_CLAIM", "su\u0007b", /^has a control character.*again/],
    ["an escape sequence", "NO_PROXY", "a\u001b[0m", /^has a control character/],
    ["a zero-width space", "AUTH_AUDIENCE", "b\u200bff", /^has a control character.*invisible/],
    [
      "a line break within",
      "CORS_ORIGINS",
      "https://a.example,\nhttps://b.example",
      /^has a control character, a line break/,
    ],
    [
      "a control character within JSON",
      "WIDGET_DEFAULTS",
      '{"color_scheme":\u0000"dark"}',
      /^has a control character/,
    ],
  ])("is refused with %s in %s", (_what, name, value, problem) => {
    const environment = { ...GOOD, [name]: value };
    if (name.endsWith("_FILE")) environment[name.replace("_FILE", "")] = "";
    const fault = faultsOf(environment).find((line) => line.startsWith(`${name} `));
    expect(fault?.slice(name.length + 1)).toMatch(problem);
  });

  it.each<[string, string, string]>([
    ["line breaks within JSON", "WIDGET_DEFAULTS", OPTIONS],
    ["tabs within JSON", "WIDGET_FORCED", '{\t"color_scheme":\r\n"dark"}'],
    ["a # in JSON", "WIDGET_DEFAULTS", '{"insight_guid":"a #1"}'],
    ["blanks around a list's commas", "AUTH_AUDIENCE", "one , two,three"],
    ["a # without a blank", "MX_PLATFORM_API_KEY", "key#1"],
    ["one quote", "MX_PLATFORM_API_KEY", 'it"s'],
    ["blanks within", "MX_PLATFORM_API_KEY", "two words"],
  ])("is fine with %s", (_what, name, value) => {
    expect(faultsOf({ ...GOOD, [name]: value })).toEqual([]);
  });

  it("is judged the same in TENANTS_FILE", () => {
    const tenants = [{ name: "a", ...GOOD, AUTH_ISSUER: '"https://a.example"' }];
    const faults = faultsOf({ TENANTS_FILE: "t.json" }, () => JSON.stringify({ tenants }));
    expect(faults).toEqual([expect.stringMatching(/^tenants\[0\] \(a\): AUTH_ISSUER has quotes/)]);
  });

  it("is judged in the name of a file too, without a word about what is then missing", () => {
    expect(faultsOf({ TENANTS_FILE: "'t.json'" })).toEqual([
      expect.stringMatching(/^TENANTS_FILE has quotes/),
    ]);
  });
});

describe("a secret in a file", () => {
  const keyOf = (content: string) => {
    const environment = { ...GOOD, MX_PLATFORM_API_KEY: "", MX_PLATFORM_API_KEY_FILE: "/key" };
    const [tenant] = loadConfig(environment, () => content).tenants;
    return tenant?.mx.platform?.apiKey.reveal();
  };

  it.each([
    ["a line break at its end", "key\n"],
    ["several", "key\r\n\r\n\n"],
    ["a byte-order mark", "\ufeffkey"],
    ["a byte-order mark and a line break", "\ufeffkey\r\n"],
  ])("loses %s", (_what, content) => {
    expect(keyOf(content)).toBe("key");
  });

  it.each(["a key # with a blank", '"quoted"', "#1"])("may be %s", (key) => {
    expect(keyOf(`${key}\n`)).toBe(key);
  });

  it("may have a byte-order mark before a key set", () => {
    const keys = '\ufeff{"keys":[{"kty":"EC"}]}\n';
    expect(faultsOf({ ...GOOD, AUTH_JWKS_FILE: "/keys.json" }, () => keys)).toEqual([]);
  });

  it("is still as strong as in the environment", () => {
    const environment = { ...GOOD, USER_ID_MODE: "hmac", USER_ID_SECRET_FILE: "/key" };
    expect(faultsOf(environment, () => `\ufeff${STRONG.slice(1)}\n`)).toEqual([
      expect.stringMatching(/^USER_ID_SECRET must have at least 32 characters/),
    ]);
  });
});
