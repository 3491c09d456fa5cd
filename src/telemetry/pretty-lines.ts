/**
 * For people at a terminal: one short coloured line per event instead of JSON, by pino's own formatter.
 *
 * pino-pretty is a development package. Where it is not installed, as in the image, lines stay JSON.
 */

import type { LogDestination } from "./log-destination.ts";

/** Fields of the closed schema (logger.ts) that a developer wants to see. */
const DETAILS = [
  "event.name",
  "tenant",
  "mx.widget_type",
  "error.type",
  "error.reason",
  "upstream.operation",
  "upstream.outcome",
  "upstream.status",
  "upstream.reason",
];
/** Instead of these, where the line is of no request. */
const OTHER_DETAILS = ["port", "operationsPort", "error.name", "error.code", "error.frames"];

type Line = Readonly<Record<string, unknown>>;

export async function withPrettyLines(destination: LogDestination): Promise<LogDestination> {
  const { prettyFactory } = await import("pino-pretty").catch(() => ({ prettyFactory: undefined }));
  if (!prettyFactory) return destination;
  const prettify = prettyFactory({
    colorize: true,
    colorizeObjects: false,
    hideObject: true,
    ignore: "pid,hostname",
    translateTime: "SYS:HH:MM:ss.l",
    messageFormat: (line) => toSummary(line),
  });
  return { ...destination, write: (line) => destination.write(prettify(line) ?? line) };
}

/** Such as `POST /session 200 in 12.3 ms, session.opened, default, connect_widget`. */
function toSummary(line: Line): string {
  const { msg, duration_ms, "http.request.method": method, "http.route": route } = line;
  const valuesOf = (names: readonly string[]) =>
    names.map((name) => line[name]).filter((value) => value !== undefined);
  if (msg === "change") return valuesOf(DETAILS).join(", ");
  if (msg !== "request") return [msg, ...valuesOf(OTHER_DETAILS)].join(", ");
  const head = `${method} ${route} ${line["http.response.status_code"]} in ${duration_ms} ms`;
  return [head, ...valuesOf(DETAILS)].join(", ");
}
