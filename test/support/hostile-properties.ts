/** The properties that hold for hostile subjects, headers and paths; `count` of each. */

import { describe, expect, it } from "vitest";
import {
  type Client,
  createClient,
  expectFewSeries,
  expectOwnUser,
  expectWholeLog,
  forEachOf,
  hostileHeaders,
  hostilePath,
  hostileText,
} from "./hostile.ts";
import { type Started, start } from "./start.ts";

const USABLE_ID = /^[A-Za-z0-9_-]{1,128}$/;

export function describeHostileProperties(count: number, timeoutMs: number): void {
  const send = async (service: Started, client: Client, subject: string, headers = {}) => {
    const authorization = `Bearer ${await service.issuer.issueToken(subject)}`;
    return client.send({ headers: { ...headers, authorization } });
  };

  describe(`${count} random and hostile requests (seeded)`, () => {
    it(
      "subjects reach their own user as they are, or nobody",
      async () => {
        await using service = await start();
        using client = createClient(service.url);
        const tally = { own: 0, refused: 0 };

        await forEachOf(hostileText, count, async (subject) => {
          const answer = await send(service, client, subject);
          const id = expectOwnUser(service, answer);
          if (id !== undefined) {
            expect(id).toBe(subject);
            expect(id).toMatch(USABLE_ID);
            tally.own += 1;
          } else {
            expect(answer.status).toBe(subject === "" ? 401 : 403);
            tally.refused += 1;
          }
        });

        expect(Math.min(tally.own, tally.refused)).toBeGreaterThan(count / 10);
        await expectWholeLog(service, count);
        await expectFewSeries(service);
        for (const { id } of service.mx.state.users.values()) expect(id).toMatch(USABLE_ID);
      },
      timeoutMs,
    );

    it(
      "subjects are users of their own when they are hashed: as many as there are subjects",
      async () => {
        const environment = {
          USER_ID_MODE: "hmac",
          USER_ID_SECRET: "kP3vX9qLm2RtY7wZb5NcJ8dFh4GsA6uE",
        };
        await using service = await start({ environment });
        using client = createClient(service.url);
        const idBySubject = new Map<string, string>();
        const some = Math.ceil(count / 4);

        await forEachOf(hostileText, some, async (subject) => {
          const answer = await send(service, client, subject);
          const id = expectOwnUser(service, answer);
          if (id === undefined) return expect(answer.status).toBe(subject === "" ? 401 : 403);
          expect(id).toMatch(/^U-[\w-]{43}$/);
          expect(idBySubject.get(subject) ?? id).toBe(id);
          idBySubject.set(subject, id);
        });

        expect(new Set(idBySubject.values()).size).toBe(idBySubject.size);
        expect(idBySubject.size).toBeGreaterThan(some / 4);
        await expectWholeLog(service, some);
      },
      timeoutMs,
    );

    it(
      "headers change nothing about who is reached, and break no line of the log",
      async () => {
        await using service = await start();
        using client = createClient(service.url);
        const authorization = await service.bearer("ada");
        let good = 0;

        await forEachOf(hostileHeaders, count, async (headers) => {
          const answer = await client.send({ headers: { ...headers, authorization } });
          const id = expectOwnUser(service, answer);
          if (id === undefined) expect([400, 403, 415]).toContain(answer.status);
          else {
            expect(id).toBe("ada");
            good += 1;
          }
          expect(answer.headers["x-request-id"]).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
        });

        expect(good).toBeGreaterThan(count / 10);
        expect(service.mx.state.users.size).toBe(1);
        await expectWholeLog(service, count);
        await expectFewSeries(service);
      },
      timeoutMs,
    );

    it(
      "paths and methods lead to documents, problems, or the caller's own user",
      async () => {
        await using service = await start();
        using client = createClient(service.url);
        const authorization = await service.bearer("ada");
        const methods = ["POST", "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"];

        await forEachOf(hostilePath, count, async (path, index) => {
          const method = methods[index % methods.length] ?? "POST";
          const answer = await client.send({ method, path, headers: { authorization } });
          const isSession = /^\/session\/?(\?[^#]*)?$/.test(path);
          if (method === "POST" && isSession) expect(expectOwnUser(service, answer)).toBe("ada");
          else if (/^\/(\?|$)/.test(path))
            expect([200, 302, 404, 405]).toContain(answer.status); // The root leads to the contract.
          else if (answer.status === 200) expect(answer.text).toMatch(/^<!doctype html>/);
          else expect([204, 400, 403, 404, 405]).toContain(answer.status);
          expect(answer.headers["x-request-id"], path).toBeDefined();
        });

        expect(service.mx.state.users.size).toBe(1);
        await expectWholeLog(service, count);
        await expectFewSeries(service);
      },
      timeoutMs,
    );
  });
}
