/**
 * What a run has found, each beside the limit it is held against, and the table of it all.
 */

export type Verdict =
  | "kept"
  | "missed"
  /** Of no meaning in a run this short. */
  | "not judged"
  /** Not measured here. */
  | "waits";

export type Figure = {
  /** Such as `P7`; empty for what is only good to know. */
  promise: string;
  what: string;
  measured: string;
  limit: string;
  verdict: Verdict;
};

export function judge(
  promise: string,
  what: string,
  measured: string,
  limit: string,
  isKept: boolean,
): Figure {
  return { promise, what, measured, limit, verdict: isKept ? "kept" : "missed" };
}

export function note(what: string, measured: string): Figure {
  return { promise: "", what, measured, limit: "", verdict: "not judged" };
}

export function waits(promise: string, what: string, reason: string): Figure {
  return { promise, what, measured: reason, limit: "", verdict: "waits" };
}

/** For a quick run: whatever needs time is shown, not judged. */
export function withoutVerdict(figure: Figure): Figure {
  return { ...figure, verdict: "not judged" };
}

/** A table in Markdown, which reads well in a terminal too. */
export function toTable(figures: readonly Figure[]): string {
  const header = ["", "What", "Measured", "Limit", "Verdict"];
  const rows = figures.map((each) => [
    each.promise,
    each.what,
    each.measured,
    each.limit,
    each.limit === "" && each.verdict !== "waits" ? "" : each.verdict,
  ]);
  const widths = header.map((_, column) =>
    Math.max(3, ...[header, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const toLine = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = widths.map((width) => "-".repeat(width));
  return [header, rule, ...rows].map(toLine).join("\n");
}

export function toPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function toMs(ms: number): string {
  return `${Math.round(ms)} ms`;
}

export function toMb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function toRate(perSecond: number): string {
  return `${Math.round(perSecond)}/s`;
}
