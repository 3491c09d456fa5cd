/**
 * The manifests of deploy/, each held against the schema of its kind, and what kustomize makes of them.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";

type Manifest = { apiVersion: string; kind: string; spec: Record<string, unknown> };
type Model = new (manifest: Manifest) => { validate(): void };

const ROOT = new URL("../../", import.meta.url).pathname;
const KUBERNETES = join(ROOT, "deploy/kubernetes");
const COMPONENTS = readdirSync(join(KUBERNETES, "components"));

/** Packages with the schemas of kinds that are not Kubernetes' own, by API group. */
const GROUPS: Record<string, string> = {
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "keda.sh": "@kubernetes-models/keda",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

async function validate(manifest: Manifest): Promise<void> {
  const { apiVersion, kind } = manifest;
  const name = GROUPS[apiVersion.split("/")[0] ?? ""] ?? "kubernetes-models";
  const { [kind]: model } = (await import(`${name}/${apiVersion}`)) as Record<string, Model>;
  if (!model) throw new Error(`there is no schema of ${apiVersion} ${kind}`);
  new model(manifest).validate();
}

function readManifests(folder: string): Manifest[] {
  const { resources = [] }: { resources?: string[] } = parse(
    readFileSync(join(folder, "kustomization.yaml"), "utf8"),
  );
  return resources.flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((each) => each.toJS()),
  );
}

it.each([
  ["the base", KUBERNETES],
  ...COMPONENTS.map((name) => [name, join(KUBERNETES, "components", name)]),
])("%s fits the schemas of its kinds", async (_name, folder = "") => {
  for (const manifest of readManifests(folder)) await validate(manifest);
});

it("an alert rule that is wrong would not", async () => {
  const [, rule] = readManifests(join(KUBERNETES, "components/prometheus-operator"));
  if (!rule) throw new Error("there is no rule");
  await expect(validate({ ...rule, spec: { groups: [{ name: 1 }] } })).rejects.toThrow();
});

it("the PrometheusRule says what deploy/prometheus says", () => {
  const [, rule] = readManifests(join(KUBERNETES, "components/prometheus-operator"));
  const groups = ["rules.yaml", "alerts.yaml"].flatMap(
    (name) => parse(readFileSync(join(ROOT, "deploy/prometheus", name), "utf8")).groups,
  );
  expect(rule?.spec.groups).toEqual(groups); // npm run prometheus-rule
});

const hasKustomize = spawnSync("kubectl", ["kustomize", "--help"]).status === 0;
describe.skipIf(!hasKustomize)("built by kustomize (skipped without a kubectl that has it)", () => {
  const folder = mkdtempSync(join(ROOT, "deploy/.overlay-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function build(path: string): Manifest[] {
    const { stdout, stderr } = spawnSync("kubectl", ["kustomize", path], { encoding: "utf8" });
    expect(stderr).toBe("");
    return parseAllDocuments(stdout).map((each) => each.toJS());
  }

  function overlay(...components: string[]): Manifest[] {
    const kustomization = {
      apiVersion: "kustomize.config.k8s.io/v1beta1",
      kind: "Kustomization",
      resources: ["../kubernetes"],
      components: components.map((name) => `../kubernetes/components/${name}`),
    };
    writeFileSync(join(folder, "kustomization.yaml"), JSON.stringify(kustomization));
    return build(folder);
  }

  it("the example is whole", async () => {
    const manifests = build(join(ROOT, "deploy/kubernetes-example"));
    for (const manifest of manifests) await validate(manifest);
    expect(manifests.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["Deployment", "HTTPRoute", "ScaledObject", "PrometheusRule"]),
    );
  });

  it.each(COMPONENTS.filter((name) => name !== "secrets"))(
    "%s goes with the base",
    async (name) => {
      for (const manifest of overlay(name)) await validate(manifest);
    },
  );

  it.each(["autoscaling-keda", "autoscaling-prometheus-adapter"])(
    "%s leaves one autoscaler, within MX's 2,000 connections",
    (name) => {
      const scalers = overlay(name).filter(({ kind }) => /Autoscaler|ScaledObject/.test(kind));
      expect(scalers).toHaveLength(1);
      const { maxReplicas, maxReplicaCount } = scalers[0]?.spec ?? {};
      expect(Number(maxReplicas ?? maxReplicaCount) * 100).toBeLessThanOrEqual(2000); // MX_CONNECTIONS.
    },
  );

  it("another secret is another name, so that the pods are rolled", () => {
    const secrets = join(KUBERNETES, "components/secrets");
    const { secretGenerator } = parse(readFileSync(join(secrets, "kustomization.yaml"), "utf8"));
    const names = ["one", "two"].map((content) => {
      for (const file of secretGenerator[0].files) writeFileSync(join(folder, file), content);
      const kustomization = {
        apiVersion: "kustomize.config.k8s.io/v1beta1",
        kind: "Kustomization",
        resources: ["../kubernetes"],
        secretGenerator,
      };
      writeFileSync(join(folder, "kustomization.yaml"), JSON.stringify(kustomization));
      const manifests = build(folder);
      const deployment = JSON.stringify(manifests.find(({ kind }) => kind === "Deployment"));
      return /"secretName":"(mx-session-bff-\w+)"/.exec(deployment)?.[1];
    });
    expect(names[0]).toMatch(/^mx-session-bff-/);
    expect(names[0]).not.toBe(names[1]);
  });
});
