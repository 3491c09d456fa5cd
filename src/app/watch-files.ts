/**
 * Notices within seconds that a file differs from what this process has read from it: a key that was rotated in place, for
 * example. Without that, users get errors while `--check`, which reads the file again, finds no problem.
 *
 * Secrets are reported and not taken over: replicas that change one by one at unknown times would be harder to operate
 * than a restart. What can be taken over, such as the public port's certificate, is tried at each look until it works.
 *
 * Files are read by their path, since Kubernetes swaps a link somewhere above them.
 */

import { readFile } from "node:fs/promises";
import { type NamedFile, toFileDigest } from "../config/read.ts";
import type { FileReason } from "../telemetry/log-entries.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { FileMetrics } from "./metrics.ts";

/** Uses what the file at this path has now. Gives the reason where that cannot be used. */
export type TakeOver = (path: string) => Promise<FileReason | undefined>;

type WatchOptions = {
  files: readonly NamedFile[];
  /** By variable. */
  takeOver: Readonly<Record<string, TakeOver>>;
  logger: Pick<Logger, "file">;
  metrics: FileMetrics;
};

const LOOK_EVERY_MS = 10_000;

export function watchFiles({ files, takeOver, logger, metrics }: WatchOptions): Disposable {
  const watched = files.map((file) => ({
    variable: file.variable,
    ...watchFile(file, takeOver[file.variable], { logger, metrics }),
  }));
  for (const [variable, group] of Map.groupBy(watched, (each) => each.variable)) {
    metrics.changed({ variable }, () => group.filter((each) => each.isChanged()).length);
    if (takeOver[variable]) {
      for (const result of ["taken_over", "refused"]) metrics.countReload({ variable, result }, 0);
    }
  }
  let isLooking = false;
  const timer = setInterval(async () => {
    if (isLooking) return; // A disk may hang.
    isLooking = true;
    for (const each of watched) await each.look();
    isLooking = false;
  }, LOOK_EVERY_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function watchFile(
  { variable, tenant, path, digest }: NamedFile,
  takeOver: TakeOver | undefined,
  { logger, metrics }: Pick<WatchOptions, "logger" | "metrics">,
) {
  let used = digest.reveal();
  /** What was reported last: the same is not reported again. */
  let reported = "";

  function report(state: string, reason: FileReason | undefined): void {
    if (reported === state) return;
    reported = state;
    logger.file({ variable, tenant, event: "changed", reason, hint: toHint(variable, takeOver) });
    if (takeOver) metrics.countReload({ variable, result: "refused" });
  }

  async function look(): Promise<void> {
    const found = await readFile(path, "utf8").then(toFileDigest, () => undefined);
    if (found === undefined) return report("unreadable", "unreadable");
    if (found === used) {
      if (reported) logger.file({ variable, tenant, event: "restored" });
      reported = "";
      return;
    }
    const reason = takeOver ? await takeOver(path) : undefined;
    if (!takeOver || reason) return report(`${found} ${reason}`, reason);
    used = found;
    reported = "";
    logger.file({ variable, tenant, event: "taken_over" });
    metrics.countReload({ variable, result: "taken_over" });
  }

  return { look, isChanged: () => reported !== "" };
}

/** Their values made the ids of users, or the keys of their Members, at MX. */
const NAMES_USERS = new Set(["USER_ID_SECRET_FILE", "MEMBER_USERKEY_SECRET_FILE"]);

function toHint(variable: string, takeOver: TakeOver | undefined): string {
  if (NAMES_USERS.has(variable))
    return "Your users' ids or userkeys at MX depend on this secret. With a different value, users lose their accounts there. Put the old value back.";
  if (takeOver)
    return "The old content stays in use. Correct the file. The service checks it again every ten seconds.";
  return "The old content stays in use. Restart the replicas one by one to use the new content.";
}
