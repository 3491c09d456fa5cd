/** The result of `--verify`, for people and for machines: fit to attach to a report, without secrets and without MX's texts. */

import type { Finding } from "./step.ts";
import type { Verified } from "./verify.ts";

/** 0: nothing was refuted; 1: something was, or is left over, or no user could be made; 130: interrupted. */
export function toVerifyExitCode(verified: Verified): 0 | 1 | 130 {
  if (verified.interrupted) return 130;
  const isRefuted = verified.assumptions.some(({ verdict }) => verdict === "refuted");
  return isRefuted || verified.problem !== null || verified.left_over.length > 0 ? 1 : 0;
}

export function toVerifyText({ assumptions, problem, left_over, ...rest }: Verified): string {
  const lines = assumptions.map(toLine);
  if (problem) lines.push(`The user ${rest.user_id} could not be created: ${problem}`);
  for (const { what, id, disabled } of left_over)
    lines.push(
      `Not deleted at MX: the ${what} ${id}${disabled ? ", which is now disabled" : ""}. Delete it there.`,
    );
  if (rest.interrupted) lines.push("Interrupted.");
  const count = (verdict: Finding["verdict"]) =>
    assumptions.filter((finding) => finding.verdict === verdict).length;
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
