/**
 * Answers that nobody has asked for, on connections that are used again: nobody gets another one's widget.
 *
 * They are sent in real time, because what matters is where they come between requests. Each order has to hold.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { runsOf } from "../support/exhaustive.ts";
import { type Misbehaviour, startBehindFaults, toHttp } from "../support/fault-server.ts";
import { askSessions, countByStatus, ownerOf, subjectsOf } from "../support/sessions.ts";

const OTHERS = runsOf(500);
const UNLIMITED = { RATE_LIMIT_USER: "100000/1s" };

describe("an answer that nobody has asked for", () => {
  const answerFor = (user: object) =>
    toHttp({ widget_url: { type: "connect_widget", url: "http://127.0.0.1/canary", ...user } });
  const NAMES_HIM = answerFor({ user_id: "somebody-else" });
  const NAMES_NOBODY = answerFor({});

  async function startWith(users: number) {
    const service = await startBehindFaults({ environment: UNLIMITED });
    for (const id of subjectsOf(users)) service.mx.state.createUser({ id });
    return service;
  }

  it.each([
    ["naming somebody else", NAMES_HIM],
    ["naming nobody", NAMES_NOBODY],
  ])(`(behind the own one, %s) reaches none of ${OTHERS} others`, async (_who, text) => {
    await using service = await startWith(OTHERS);
    service.platform.misbehave(() => ({ kind: "extra", text }));

    const answers = await askSessions(service, subjectsOf(OTHERS), 1);

    const isOwn = answers.map(({ subject, url }) => ownerOf(service.mx, url) === subject);
    expect(countByStatus(answers)).toEqual({ 200: OTHERS });
    expect(isOwn).not.toContain(false);
  });

  it("(on an idle connection) reaches none of those who come after it", async () => {
    await using service = await startWith(20);
    service.platform.misbehave(() => ({ kind: "extra", text: NAMES_NOBODY, afterMs: 5 }));

    for (const subject of subjectsOf(20)) {
      const [answer] = await askSessions(service, [subject], 1);
      expect(answer && ownerOf(service.mx, answer.url)).toBe(subject);
      await sleep(20); // The connection is idle when it comes.
    }
  });

  /** Nobody can tell it from the own one by its time; but it names its user, and ends the connection. */
  it.each([0, 2, 5])(
    "(%i ms later, in the next one's place) is refused for its user",
    async (afterMs) => {
      await using service = await startWith(60);
      service.platform.misbehave(() => ({ kind: "extra", text: NAMES_HIM, afterMs }));

      const answers = await askSessions(service, subjectsOf(60), 1);

      for (const { subject, status, url } of answers) {
        if (status === 200) expect(ownerOf(service.mx, url)).toBe(subject);
        else expect(status).toBe(502);
      }
    },
  );

  it("in place of the own one spoils this session, and not those after it", async () => {
    await using service = await startWith(30);
    const early: Misbehaviour = { kind: "early", text: NAMES_HIM };
    service.platform.misbehave(({ number }) => (number === 10 ? early : undefined));

    const answers = await askSessions(service, subjectsOf(30), 1);

    expect(countByStatus(answers)).toEqual({ 200: 29, 502: 1 });
    for (const { subject, status, url } of answers) {
      if (status === 200) expect(ownerOf(service.mx, url)).toBe(subject);
    }
  });
});
