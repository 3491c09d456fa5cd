/** The result of `--verify`, for people and for machines: fit to attach to a report, without secrets and without MX's texts. */

import type { Finding } from "./step.ts";
import type { Verified } from "./verify.ts";

/** 0: nothing was refuted; 1: something was, or is left over, or no user could be made; 130: interrupted. */
export function toVerifyExitCode(verified: Verified): 0 | 1 | 130 {
  const { findings, problem, leftOver, wasInterrupted } = verified;
  if (wasInterrupted) return 130;
  const isRefuted = findings.some(({ verdict }) => verdict === "refuted");
  return isRefuted || problem !== undefined || leftOver.length > 0 ? 1 : 0;
}

/** A stable shape: members are added, never renamed or removed. */
export function toVerifyJson(verified: Verified, version: string): string {
  const { userId, findings, problem, leftOver, wasInterrupted } = verified;
  const json = {
    ok: toVerifyExitCode(verified) === 0,
    version,
    user_id: userId,
    interrupted: wasInterrupted,
    problem: problem ?? null,
    assumptions: findings,
    left_over: leftOver,
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

export function toVerifyText(verified: Verified): string {
  const { findings, problem, leftOver, wasInterrupted, userId } = verified;
  const lines = findings.map(toLine);
  if (problem) lines.push(`The user ${userId} could not be created: ${problem}`);
  for (const { what, id, disabled } of leftOver)
    lines.push(
      `Not deleted at MX: the ${what} ${id}${disabled ? ", which is now disabled" : ""}. Delete it there.`,
    );
  if (wasInterrupted) lines.push("Interrupted.");
  const count = (verdict: Finding["verdict"]) =>
    findings.filter((finding) => finding.verdict === verdict).length;
  lines.push(
    `${count("confirmed")} confirmed, ${count("refuted")} refuted, ${count("not_tried")} not tried.`,
  );
  return `${lines.join("\n")}\n`;
}

function toLine({ id, assumption, verdict, came, change, why }: Finding): string {
  const word = verdict === "refuted" ? "REFUTED" : verdict.replace("_", " ");
  const head = `${id.padEnd(4)} ${word.padEnd(10)} ${assumption}`;
  const details = [came, change, why].filter((text) => text !== null).join(" ");
  return details === "" ? head : `${head}\n${" ".repeat(16)}${details}`;
}
