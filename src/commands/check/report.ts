/** The result of a check, for people and for machines. */

import type { ConfigFault } from "../../config/faults.ts";
import type { Warning } from "../../config/warnings.ts";
import { type Finding, PARTIES, VERDICTS, type Verdict } from "./finding.ts";

/** Warnings are shown, and change no verdict. */
export type CheckResult = {
  faults: readonly ConfigFault[];
  warnings: readonly Warning[];
  findings: readonly Finding[];
};

/** 0: everything works; 1: a system does not; 2: the configuration is invalid, so no system was asked. */
export function toExitCode({ faults, findings }: CheckResult): 0 | 1 | 2 {
  if (faults.length > 0) return 2;
  return findings.every(({ verdict }) => isGood(verdict)) ? 0 : 1;
}

/** A stable shape: members are added, never renamed or removed. */
export function toJson(result: CheckResult, version: string) {
  const { faults, warnings, findings } = result;
  const checks = findings.map(({ party, tenant, target, verdict, message, next }) => ({
    party,
    tenant: tenant ?? null,
    target,
    ok: isGood(verdict),
    verdict,
    message,
    next: next ?? null,
  }));
  const configuration = { ok: faults.length === 0, faults, warnings };
  return { ok: toExitCode(result) === 0, version, configuration, checks };
}

export function toText({ faults, warnings, findings }: CheckResult): string {
  if (faults.length > 0) return toFaultText(faults);
  const tenants = new Set(findings.map(({ tenant }) => tenant).filter(Boolean));
  const lines = findings.flatMap(({ party, tenant, verdict, message, next }) => {
    const of = tenants.size > 1 && tenant ? ` (${tenant})` : "";
    const name = `${PARTIES[party]}${of}`.padEnd(18);
    const head = `${LEVEL_WORDS[VERDICTS[verdict]].padEnd(7)} ${name} ${message}`;
    return next ? [head, `        ${"".padEnd(18)} ${verdict}: ${next}`] : [head];
  });
  const failed = findings.filter(({ verdict }) => !isGood(verdict)).length;
  const verdict =
    failed === 0 ? "All is well." : `${failed} ${failed === 1 ? "check" : "checks"} failed.`;
  const warned = warnings.map(({ message }) => `WARNING ${"configuration".padEnd(18)} ${message}`);
  return `${["ok      configuration", ...warned, ...lines, verdict].join("\n")}\n`;
}

const LEVEL_WORDS = { ok: "ok", warning: "WARNING", failed: "FAILED" } as const;

/** A warning is not a failure: the operator has allowed what it is about. */
function isGood(verdict: Verdict): boolean {
  return VERDICTS[verdict] !== "failed";
}

export function toFaultText(faults: readonly ConfigFault[]): string {
  const count = faults.length === 1 ? "1 error" : `${faults.length} errors`;
  const lines = faults.map(({ variable, message }) => `  ${variable} ${message}`);
  return `The configuration has ${count}:\n${lines.join("\n")}\nEvery variable is explained in docs/configuration.md.\n`;
}
