import { describe, expect, it } from "vitest";
import { findNoProxyProblem, isWithoutProxy } from "../../../src/upstream/no-proxy.ts";

const isDirect = (noProxy: string, url: string) => isWithoutProxy(new URL(url), noProxy);

describe("NO_PROXY", () => {
  it.each([
    ["mx.example", "https://mx.example", "https://amx.example"],
    ["mx.example", "https://api.mx.example", "https://mx.example.com"],
    [".mx.example", "https://api.mx.example", "https://amx.example"],
    [".mx.example", "https://mx.example", "https://example"],
    ["*.mx.example", "https://api.mx.example", "https://mx.example"],
    ["MX.Example.", "https://mx.example", "https://mx.example.com"],
    ["mx.example", "https://MX.example.", "https://mx"],
    ["bücher.example", "https://xn--bcher-kva.example", "https://bucher.example"],
    ["my_service", "https://my_service", "https://my-service"],
    ["a, mx.example", "https://mx.example", "https://b"],
    ["a mx.example\tb", "https://mx.example", "https://c"],
    [",,mx.example,", "https://mx.example", "https://a"],
    ["mx.example:8443", "https://mx.example:8443", "https://mx.example"],
    ["mx.example:443", "https://mx.example", "https://mx.example:8443"],
    [".mx.example:443", "https://api.mx.example", "https://api.mx.example:444"],
    ["10.0.0.7", "https://10.0.0.7", "https://10.0.0.70"],
    ["10.0.0.7:8443", "https://10.0.0.7:8443", "https://10.0.0.7"],
    ["::1", "https://[::1]", "https://[::2]"],
    ["[::1]", "https://[::1]:8443", "https://[::2]"],
    ["[0:0::1]:8443", "https://[::1]:8443", "https://[::1]"],
    ["10.0.0.0/8", "https://10.200.3.4", "https://11.0.0.1"],
    ["192.168.5.0/23", "https://192.168.4.1", "https://192.168.6.1"],
    ["10.0.0.7/32", "https://10.0.0.7", "https://10.0.0.8"],
    ["fd00::/8", "https://[fdab::1]", "https://[fe00::1]"],
    ["[fd00::]/8", "https://[fdab::1]", "https://10.0.0.1"],
    ["10.0.0.0/8", "https://10.0.0.1:8443", "https://ten.example"],
    ["0.0.0.0/0", "https://8.8.8.8", "https://[::1]"],
    ["*:8443", "https://mx.example:8443", "https://mx.example"],
  ])("%j leads straight to %s, and through the proxy to %s", (noProxy, direct, proxied) => {
    expect(findNoProxyProblem(noProxy)).toBeUndefined();
    expect(isDirect(noProxy, direct)).toBe(true);
    expect(isDirect(noProxy, proxied)).toBe(false);
  });

  it.each(["*", "none.example,*", " * "])("%j leads straight to all", (noProxy) => {
    expect(isDirect(noProxy, "https://mx.example:8443")).toBe(true);
  });

  it.each(["", " ", ","])("%j leads to none", (noProxy) => {
    expect(findNoProxyProblem(noProxy)).toBeUndefined();
    expect(isDirect(noProxy, "https://mx.example")).toBe(false);
  });

  it.each([
    "127.*",
    "10.0.*.*",
    "192.168.",
    "192.168",
    "10.1",
    "*example.com",
    "api.*.example",
    "https://mx.example",
    "mx.example/path",
    "mx.example/24",
    "10.0.0.0/33",
    "::1/129",
    "10.0.0.0/",
    "10.0.0.0/8:443",
    "10.0.0.1-10.0.0.9",
    "<local>",
    "user@mx.example",
    "mx.example:https",
    "mx.example:0",
    "mx.example:65536",
    "mx..example",
    "*.",
    ".",
    ".10.0.0.1",
    "999.1.1.1",
    "[::1",
  ])("does not take %j for something else", (item) => {
    expect(findNoProxyProblem(`mx.example,${item}`)).toMatch(/number 2; allowed are/);
  });
});
