import { execFileSync } from "node:child_process";
import { afterAll, describe, expect, it } from "vitest";
import { checkCertificate } from "../../../src/commands/check/local.ts";
import { loadConfig, toDigest } from "../../../src/config/load.ts";
import { findWarnings } from "../../../src/config/warnings.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { mountVolume } from "../../support/secret-volume.ts";
import { faultsOf, GOOD } from "./support.ts";

const certificates = makeCertificates();
const { good, otherHost, expired, authority } = certificates;
afterAll(() => certificates[Symbol.dispose]());

const PATHS = { TLS_CERT_FILE: "tls.crt", TLS_KEY_FILE: "tls.key" };

function readerOf(files: Record<string, string>) {
  return (path: string) => {
    const content = files[path];
    if (content === undefined) throw new Error("no such file");
    return content;
  };
}

const toReader = ({ cert, key }: { cert: string; key: string }) =>
  readerOf({ "tls.crt": cert, "tls.key": key });

const openssl = (args: string, input?: string) =>
  execFileSync("openssl", args.split(" "), { input, stdio: ["pipe", "pipe", "ignore"] }).toString();
const encrypted = openssl("pkey -aes256 -passout pass:secret", good.key);
const weakKey = openssl("genrsa 512");

function selfSign(key: string, days: number): string {
  using volume = mountVolume({ key });
  return openssl(`req -x509 -key ${volume.path("key")} -subj /CN=a -days ${days}`);
}

describe("TLS_CERT_FILE and TLS_KEY_FILE", () => {
  it("are a pair, with or without what leads to an authority", () => {
    expect(faultsOf({ ...GOOD, ...PATHS }, toReader(good))).toEqual([]);
    const chain = { ...good, cert: good.cert + authority };
    expect(faultsOf({ ...GOOD, ...PATHS }, toReader(chain))).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ["TLS_KEY_FILE is missing: TLS_CERT_FILE needs it", { TLS_CERT_FILE: "tls.crt" }],
    ["TLS_CERT_FILE is missing: TLS_KEY_FILE needs it", { TLS_KEY_FILE: "tls.key" }],
    ["TLS_CERT_FILE names a file that cannot be read", { ...PATHS, TLS_CERT_FILE: "nowhere" }],
    ["TLS_KEY_FILE names a file that cannot be read", { ...PATHS, TLS_KEY_FILE: "nowhere" }],
  ])("%s", (fault, variables) => {
    expect(faultsOf({ ...GOOD, ...variables }, toReader(good))).toEqual([fault]);
  });

  it.each([
    ["TLS_KEY_FILE does not belong to the first certificate", { ...good, key: otherHost.key }],
    [
      "TLS_KEY_FILE does not belong to the first certificate",
      { ...good, cert: authority + good.cert },
    ],
    ["TLS_CERT_FILE must name a file that starts with a certificate", { ...good, cert: "" }],
    [
      "TLS_CERT_FILE must name a file that starts with a certificate",
      { cert: good.key, key: good.cert },
    ],
    ["TLS_KEY_FILE must name a file with a private key in PEM", { ...good, key: good.cert }],
    ["TLS_KEY_FILE must name a file with a private key in PEM", { ...good, key: "nonsense" }],
    ["TLS_KEY_FILE names a key with a passphrase", { ...good, key: encrypted }],
  ])("%s", (fault, pair) => {
    const faults = faultsOf({ ...GOOD, ...PATHS }, toReader(pair));
    expect(faults).toEqual([expect.stringContaining(fault)]);
    expect(faults.join()).not.toContain("PRIVATE KEY-");
  });

  it("must not be too weak for TLS", () => {
    const cert = selfSign(weakKey, 2);
    const faults = faultsOf({ ...GOOD, ...PATHS }, toReader({ cert, key: weakKey }));
    expect(faults).toEqual([expect.stringMatching(/^TLS_CERT_FILE .*OpenSSL refuses/)]);
  });

  it("make no difference to the digest of the configuration", () => {
    const digests = [good, otherHost].map((pair) =>
      toDigest(loadConfig({ ...GOOD, ...PATHS }, toReader(pair))),
    );
    expect(digests[0]).toBe(digests[1]);
  });

  it("are started with although the certificate has expired, with a warning", () => {
    const config = loadConfig({ ...GOOD, ...PATHS }, toReader(expired));
    const names = findWarnings(config, false).map(({ name }) => name);
    expect(names).toContain("certificate_expired");
  });

  it.each([
    [-3, "certificate_not_yet_valid"],
    [0.5, "certificate_expires_soon"],
    [3, "certificate_expired"],
  ])("are judged by --check: %i days from now", (days, verdict) => {
    const { tls } = loadConfig({ ...GOOD, ...PATHS }, toReader(good));
    const finding = tls && checkCertificate(tls, Date.now() + days * 86_400_000);
    expect(finding).toMatchObject({ party: "certificate", target: "tls.crt", verdict });
  });

  it("are told to be good, with the day on which they end", () => {
    const cert = selfSign(good.key, 90);
    const { tls } = loadConfig({ ...GOOD, ...PATHS }, toReader({ cert, key: good.key }));
    const finding = tls && checkCertificate(tls, Date.now());
    expect(finding).toMatchObject({
      verdict: "ok",
      message: expect.stringMatching(/until \d{4}-/),
    });
  });
});
