import { describe, expect, it } from "vitest";
import {
  findAddressProblem,
  findUpstreamProblem,
  mayLeadTo,
} from "../../../src/upstream/upstream-url.ts";

const problemOf = (text: string) => findUpstreamProblem(new URL(text));

const METADATA = "must not be a link-local or cloud metadata address";
const INSECURE = "must be https (http only on loopback)";

describe("the URL of an upstream", () => {
  it.each([
    "https://login.example.com/keys?v=1",
    "https://login.example.com:8443",
    "https://10.0.0.7/keys",
    "https://192.168.1.1",
    "https://[2001:db8::1]/keys",
    "https://[fd00::1]/keys",
    "https://metadata-service.example.com",
    "https://127.0.0.1:8443",
    "http://127.0.0.1:8080/keys",
    "http://localhost:8080",
    "http://[::1]:8080",
  ])("may be %s", (url) => {
    expect(problemOf(url)).toBeUndefined();
  });

  it.each([
    ["http://login.example.com", INSECURE],
    ["http://localhost.example.com", INSECURE],
    ["http://10.0.0.7", INSECURE],
    ["ftp://127.0.0.1", INSECURE],
    ["file:///etc/passwd", INSECURE],
    ["data:application/json,{}", INSECURE],
    ["https://user@login.example.com", "must not hold credentials"],
    ["https://:password@login.example.com", "must not hold credentials"],
    ["https://login.example.com/#keys", "must not have a fragment"],
  ])("must not be %s", (url, problem) => {
    expect(problemOf(url)).toBe(problem);
  });

  it.each([
    "169.254.169.254",
    "169.254.169.254.",
    "169.254.0.23",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "2852039166",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]",
    "[::a9fe:a9fe]",
    "[::ffff:0:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:a9fe:a9fe::1]",
    "[fe80::1]",
    "[FEBF:ffff::1]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "[fd00:42::42]",
    "[::]",
    "0",
    "0.0.0.0",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "metadata",
    "METADATA",
    "metadata.google.internal",
    "metadata.google.internal.",
    "instance-data.ec2.internal",
    "%6detadata.google.internal",
    "\uff11\uff16\uff19.254.169.254",
  ])("never leads to %s, with https or http", (host) => {
    expect(problemOf(`https://${host}/latest`)).toBe(METADATA);
    expect(problemOf(`http://${host}/latest`)).toBeDefined();
  });

  it.each(["2852039166", "0xa9fea9fe", "METADATA", "[::ffff:a9fe:a9fe]"])(
    "never leads to %s either where the scheme leaves the host as it is",
    (host) => {
      expect(findAddressProblem(new URL(`redis://${host}:6379`))).toBe(METADATA);
    },
  );
});

describe("keys that a discovery document leads to", () => {
  const HOSTS = ["keycloak:8080", "keys"];
  const leads = (issuer: string, keys: string) => mayLeadTo(new URL(issuer), new URL(keys), HOSTS);

  it.each([
    ["https://a.example", "https://b.example/keys"],
    ["https://keycloak", "https://a.example/keys"],
    ["http://keycloak:8080/realms/a", "http://keycloak:8080/keys"],
    ["http://keycloak:8080/realms/a", "http://keys:1234/"],
    ["http://keycloak:8080/realms/a", "https://keys/"],
    ["http://127.0.0.1:1", "http://127.0.0.1:2/keys"],
    ["http://127.0.0.1:1", "https://a.example/keys"],
  ])("may be, from %s, %s", (issuer, keys) => {
    expect(leads(issuer, keys)).toBe(true);
  });

  it.each([
    ["https://a.example", "http://keys/"],
    ["https://a.example", "http://127.0.0.1/keys"],
    ["https://keycloak:8080", "http://keycloak:8080/keys"],
    ["http://keycloak:8080", "http://keycloak:8081/keys"],
    ["http://keycloak:8080", "https://keycloak/keys"],
    ["http://keycloak:8080", "http://a.example/keys"],
    ["http://keycloak:8080", "https://a.example/keys"],
    ["http://keycloak:8080", "http://127.0.0.1/keys"],
    ["http://keycloak:8080", "http://keys.evil.example/"],
    ["http://keycloak:8080", "http://user:password@keys/"],
    ["http://127.0.0.1:1", "http://a.example/keys"],
  ])("must not be, from %s, %s", (issuer, keys) => {
    expect(leads(issuer, keys)).toBe(false);
  });
});
