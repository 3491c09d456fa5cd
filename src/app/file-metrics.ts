/** Whether the files that variables name are still what the process uses, and until when its certificate is valid. */

import { type Meters, neverThrows } from "./meters.ts";

export type WatchedVariable = {
  variable: string;
  /** How many of its files differ from what is used. */
  countChanged(): number;
  /** Whether a changed file can be taken over at run time. */
  canReload: boolean;
};

export type FileMetrics = {
  /** Gives what counts reloads. There is no series for variables that are not set. */
  watch(
    variables: readonly WatchedVariable[],
  ): (variable: string, result: "taken_over" | "refused") => void;
  /** Of the certificate in use: seconds since 1970. */
  certificateExpires(read: () => number): void;
};

export function createFileMetrics({ counter, gauge, gauges }: Meters): FileMetrics {
  return {
    watch(variables) {
      if (variables.length === 0) return () => {};
      const changed = gauges(
        "bff_files_changed",
        "Files that differ from what this process uses, by the variable that names them.",
        "variable",
      );
      for (const { variable, countChanged } of variables) changed({ variable }, countChanged);
      const reloadable = variables.filter(({ canReload }) => canReload);
      if (reloadable.length === 0) return () => {};
      const reloads = counter(
        "bff_file_reloads_total",
        "Changed files that were taken over without a restart, or refused.",
        "variable",
        "result",
      );
      for (const { variable } of reloadable)
        for (const result of ["taken_over", "refused"]) reloads.inc({ variable, result }, 0);
      return neverThrows((variable, result) => reloads.inc({ variable, result }));
    },
    certificateExpires: (read) =>
      gauge(
        "bff_tls_certificate_expires_timestamp_seconds",
        "When the public port's certificate expires, in seconds since 1970.",
        read,
      ),
  };
}
