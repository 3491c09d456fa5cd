/** Many sessions at once, and what came of them. */

import type { Simulator } from "../../packages/simulator/src/simulator.ts";
import type { Started } from "./start.ts";

export type AskedSession = {
  subject: string;
  status: number;
  /** Of the problem, where it is one. */
  type: string | undefined;
  url: string | undefined;
  ms: number;
};

/** Many sessions, `atOnce` at a time, at less cost than through `post`. */
export async function askSessions(
  service: Started,
  subjects: readonly string[],
  atOnce: number,
): Promise<AskedSession[]> {
  const answers: AskedSession[] = [];
  const tokens = new Map<string, string>();
  for (const subject of new Set(subjects)) tokens.set(subject, await service.bearer(subject));
  const left = subjects.values();
  async function work(): Promise<void> {
    for (const subject of left) {
      const headers = { Authorization: tokens.get(subject) ?? "" };
      const startedAt = performance.now();
      const result = await fetch(`${service.url}/session`, { method: "POST", headers });
      const ms = performance.now() - startedAt;
      const { type, widget_url } = (await result.json()) as {
        type?: string;
        widget_url?: { url: string };
      };
      answers.push({ subject, status: result.status, type, url: widget_url?.url, ms });
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work));
  return answers;
}

export function countByStatus(answers: readonly { status: number }[]): Record<string, number> {
  const groups = Map.groupBy(answers, ({ status }) => `${status}`);
  return Object.fromEntries([...groups].map(([status, group]) => [status, group.length]));
}

export function subjectsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `u-${index}`);
}

/** Whose widget it opens at MX. */
export function ownerOf(mx: Simulator, url: string | undefined): string | null | undefined {
  const ticket = mx.state.widgetTickets.get(url?.split("/").at(-1) ?? "");
  return ticket && mx.state.users.get(ticket.userGuid)?.id;
}
