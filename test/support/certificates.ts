/**
 * An authority of the test's own, and certificates that it signed.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";

/** PEM. */
export type Certificate = { key: string; cert: string };

export type Certificates = Disposable & {
  /** PEM of the authority that signed all but the last, and a file with it. */
  authority: string;
  authorityFile: string;
  good: Certificate;
  expired: Certificate;
  otherHost: Certificate;
  selfSigned: Certificate;
  /** One more that the authority has signed, for all of these hosts. */
  issue(hosts: readonly string[]): Certificate;
  /** A client's, whose subject has this name. `isChained`: with an authority in between, whose certificate follows. */
  issueTo(name: string, options?: ClientOptions): Certificate;
  /** This process trusts the authority from now on, until it is disposed. */
  trust(): Disposable;
};

export type ClientOptions = { days?: number; isRsa?: boolean; isChained?: boolean };

/** Made anew by OpenSSL's command, so that no key stands in the sources and none expires. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "certificates-"));
  const openssl = (command: string) =>
    void execFileSync("openssl", command.split(" "), { cwd: folder, stdio: "pipe" });
  const file = (name: string) => readFileSync(join(folder, name), "utf8");
  const newKey = (name: string, isRsa = false) =>
    `-newkey ${isRsa ? "rsa:2048" : "ec -pkeyopt ec_paramgen_curve:P-256"} -nodes -keyout ${name}.key`;
  const read = (name: string) => ({ key: file(`${name}.key`), cert: file(`${name}.pem`) });

  openssl(`req -x509 ${newKey("authority")} -out authority.pem -days 2 -subj /CN=authority`);
  const sign = (name: string, hosts: string | readonly string[], days: number): Certificate => {
    const names = [hosts].flat().map((host) => `${isIP(host) ? "IP" : "DNS"}:${host}`);
    const extension = `-addext subjectAltName=${names.join()}`;
    openssl(`req ${newKey(name)} -out ${name}.csr -subj /CN=${name} ${extension}`);
    const signer = "-CA authority.pem -CAkey authority.key -copy_extensions copy";
    openssl(`x509 -req -in ${name}.csr ${signer} -days ${days} -out ${name}.pem`);
    return read(name);
  };
  const signClient = (name: string, options: ClientOptions = {}): Certificate => {
    const { days = 2, isRsa, isChained } = options;
    let signer = "authority";
    if (isChained) {
      signer = "between";
      const isAuthority = "-addext basicConstraints=critical,CA:TRUE -subj /CN=between";
      openssl(`req ${newKey(signer)} -out between.csr ${isAuthority}`);
      const by = "-CA authority.pem -CAkey authority.key -copy_extensions copy";
      openssl(`x509 -req -in between.csr ${by} -days 2 -out between.pem`);
    }
    openssl(`req ${newKey(name, isRsa)} -out ${name}.csr -subj /CN=${name}`);
    const by = `-CA ${signer}.pem -CAkey ${signer}.key`;
    openssl(`x509 -req -in ${name}.csr ${by} -days ${days} -out ${name}.pem`);
    const { key, cert } = read(name);
    return { key, cert: isChained ? cert + file("between.pem") : cert };
  };
  const signSelf = () => {
    const names = "-addext subjectAltName=DNS:localhost";
    openssl(`req -x509 ${newKey("self")} -out self.pem -days 2 -subj /CN=localhost ${names}`);
    return read("self");
  };
  const made = new Map<string, Certificate>();
  /** Each costs two processes, and most tests need one or two of them. */
  const once = (name: string, make: () => Certificate): Certificate => {
    const certificate = made.get(name) ?? make();
    made.set(name, certificate);
    return certificate;
  };

  return {
    authority: file("authority.pem"),
    authorityFile: join(folder, "authority.pem"),
    get good() {
      return once("good", () => sign("good", "localhost", 2));
    },
    get expired() {
      return once("expired", () => sign("expired", "localhost", -1));
    },
    get otherHost() {
      return once("other", () => sign("other", "mx.example", 2));
    },
    get selfSigned() {
      return once("self", signSelf);
    },
    issue: (hosts) => sign("issued", hosts, 2),
    issueTo: signClient,
    trust() {
      const before = getCACertificates();
      setDefaultCACertificates([...before, file("authority.pem")]);
      return { [Symbol.dispose]: () => setDefaultCACertificates(before) };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
