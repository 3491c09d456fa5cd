/**
 * What deploy/ and the Dockerfile say, held against what the service is: names of variables, ports, limits, times.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { SECRET_NAMES, VARIABLE_NAMES } from "../../src/config/variables.ts";

// biome-ignore lint/suspicious/noExplicitAny: manifests as they are.
type Manifest = any;

const ROOT = new URL("../../", import.meta.url).pathname;
const read = (path: string) => readFileSync(`${ROOT}${path}`, "utf8");

const KNOWN = new Set([
  ...VARIABLE_NAMES,
  ...SECRET_NAMES.map((name) => `${name}_FILE`),
  "NODE_EXTRA_CA_CERTS",
]);

describe("the Dockerfile", () => {
  const stages = read("Dockerfile").split(/^FROM /m);
  const last = stages.at(-1) ?? "";

  it("ends in an empty image, as a numeric user, without a shell", () => {
    expect(last).toMatch(/^scratch$/m);
    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(last).not.toMatch(/^RUN /m);
    expect(last).toMatch(/^ENTRYPOINT \["\/usr\/local\/bin\/node",.*"dist\/main\.js"\]$/m);
    expect(last).toMatch(
      /^HEALTHCHECK .*CMD \["\/usr\/local\/bin\/node", "dist\/healthcheck\.js"\]$/m,
    );
  });

  it("runs Node with the flags of npm start", () => {
    const start: string = JSON.parse(read("package.json")).scripts.start;
    const flags = start.match(/--(?!env-file)[\w-]+(=\w+)?/g) ?? [];
    expect(flags.length).toBeGreaterThan(0);
    for (const flag of flags) expect(last).toContain(`"${flag}"`);
  });
});

describe("deploy/compose.yaml", () => {
  const { services, secrets } = parse(read("deploy/compose.yaml"), { merge: true });
  const replicas = Object.keys(services).filter((name) => name.startsWith("bff-"));

  it("has three replicas that nginx knows, bare of rights", () => {
    const nginx = read("deploy/nginx.conf");
    expect(replicas).toHaveLength(3);
    for (const name of replicas) {
      expect(nginx).toContain(`server ${name}:3000 `);
      expect(services[name]).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
    }
  });

  it("sets variables that there are, and secrets as files only", () => {
    const names = Object.keys(services["bff-1"].environment);
    expect(names.filter((name) => !KNOWN.has(name))).toEqual([]);
    expect(names.filter((name) => SECRET_NAMES.some((secret) => secret === name))).toEqual([]);
    for (const name of services["bff-1"].secrets) {
      expect(read(`deploy/${secrets[name].file}`)).not.toBe("");
    }
  });
});

describe("deploy/kubernetes", () => {
  const { resources, images } = parse(read("deploy/kubernetes/kustomization.yaml"));
  const manifests: Manifest[] = resources.flatMap((name: string) =>
    parseAllDocuments(read(`deploy/kubernetes/${name}`)).map((document) => document.toJS()),
  );
  const find = (kind: string): Manifest => manifests.find((each) => each.kind === kind);
  const { spec } = find("Deployment");
  const pod = spec.template.spec;
  const [container] = pod.containers;

  it("has one of each", () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      "Deployment",
      "HorizontalPodAutoscaler",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "Service",
      "ServiceAccount",
    ]);
  });

  it("gives the pod no right that it does not need", () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(find("ServiceAccount").automountServiceAccountToken).toBe(false);
  });

  it("probes the operations port, and leaves time to drain", () => {
    const paths = ["startupProbe", "livenessProbe", "readinessProbe"].map(
      (probe) => container[probe].httpGet,
    );
    expect(paths).toEqual([
      { path: "/livez", port: "operations" },
      { path: "/livez", port: "operations" },
      { path: "/readyz", port: "operations" },
    ]);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(5 + 8); // DRAIN_DELAY, REQUEST_DEADLINE.
    expect(container.resources.requests).toBeDefined();
    expect(container.resources.limits.memory).toBe("256Mi");
  });

  it("shows the public port alone in the Service", () => {
    expect(find("Service").spec.ports.map((port: Manifest) => port.targetPort)).toEqual(["http"]);
    expect(container.ports).toEqual([
      { name: "http", containerPort: 3000 },
      { name: "operations", containerPort: 9090 },
    ]);
  });

  it("selects the same pods everywhere", () => {
    const labels = { "app.kubernetes.io/name": "mx-session-bff" };
    expect(spec.template.metadata.labels).toEqual(labels);
    expect(spec.selector.matchLabels).toEqual(labels);
    expect(find("Service").spec.selector).toEqual(labels);
    expect(find("PodDisruptionBudget").spec.selector.matchLabels).toEqual(labels);
    expect(find("NetworkPolicy").spec.podSelector.matchLabels).toEqual(labels);
    expect(find("HorizontalPodAutoscaler").spec.scaleTargetRef.name).toBe("mx-session-bff");
  });

  it("stays within MX's 2,000 connections when all replicas come out of one address", () => {
    const { minReplicas, maxReplicas } = find("HorizontalPodAutoscaler").spec;
    expect(minReplicas).toBeGreaterThanOrEqual(3);
    expect(maxReplicas * 100).toBeLessThanOrEqual(2000); // MX_CONNECTIONS.
  });

  it("sets variables that there are, secrets as files of a Secret only", () => {
    const plain = read("deploy/kubernetes/bff.env")
      .split("\n")
      .flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []);
    const named = container.env.map(({ name }: Manifest) => name);
    expect([...plain, ...named].filter((name) => !KNOWN.has(name))).toEqual([]);
    expect(plain.filter((name) => SECRET_NAMES.some((secret) => name.startsWith(secret)))).toEqual(
      [],
    );
    const paths = pod.volumes[0].secret.items.map(({ path }: Manifest) => `/secrets/${path}`);
    expect(container.env.map(({ value }: Manifest) => value)).toEqual(paths);
  });

  it("deploys the version that this is", () => {
    expect(images[0].newTag).toBe(JSON.parse(read("package.json")).version);
  });

  const hasKustomize = spawnSync("kubectl", ["kustomize", "--help"]).status === 0;
  it.skipIf(!hasKustomize)("is built by kustomize (skipped without a kubectl that has it)", () => {
    const built = spawnSync("kubectl", ["kustomize", "deploy/kubernetes"], { cwd: ROOT });
    expect(String(built.stderr)).toBe("");
    expect(String(built.stdout)).toContain("kind: Deployment");
  });
});
