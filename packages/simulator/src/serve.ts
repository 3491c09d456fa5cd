/**
 * One call to a simulated API: recorded, kept waiting, hit by a fault where one is due, answered.
 *
 * The same for both APIs; what they answer is their own (`Behaviour`). MX's work is done halfway through the latency
 * and in one step: calls may overtake each other, they never interleave.
 */

import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import type { Request, RequestHandler } from "express";
import { type Answer, type Reply, resetConnection, sendAnswer, sendHalf } from "./answer.ts";
import type { RecordedCallLog } from "./call-log.ts";
import { asSomebodyElse, type Fault, type FaultPlan } from "./faults.ts";
import type { HookList } from "./hooks.ts";
import type { Operation } from "./operation.ts";
import type { SimulatorSettings } from "./settings.ts";

export type ApiRequest = {
  /** The `{user}` or `{member}` of the path, decoded; empty where the path has none. */
  readonly id: string;
  /** All that the path names, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** Whether the call announces JSON. */
  readonly isJson: boolean;
  /** `undefined` when there is none or it is not JSON. */
  readonly body: unknown;
};

export type Behaviour = {
  /** Does the work and answers. */
  reply(request: ApiRequest): Reply;
  /** The answer when the thing asked for does not exist. */
  absent(request: ApiRequest): Answer;
  /** The API's own answer for a status, where a fault sets nothing but the status. */
  failure(status: number): Answer;
};

/** Makes the Express handler of one operation. */
export type Serve = (operation: Operation | "unknown", behaviour: Behaviour) => RequestHandler;

export type ServeOptions = {
  calls: RecordedCallLog;
  faults: FaultPlan;
  hooks: HookList;
  settings: SimulatorSettings;
  /** Ends all waiting when the simulator is disposed. */
  stopped: AbortSignal;
};

export function createServe(options: ServeOptions): Serve {
  const { calls, faults, hooks, settings, stopped } = options;

  return (operation, behaviour) =>
    async function handleCall(req, res) {
      const { path, query } = splitUrl(req.originalUrl);
      const { method, headers } = req;
      const call = calls.begin({ operation, method, path, query, headers });
      res.once("close", () => call.end()); // Where no answer is sent, the wait ends here.
      const fault = faults.take(operation);

      const sent = await text(req).catch(() => undefined);
      if (sent === undefined) return; // The caller went away before all of the call had arrived.
      const request = toApiRequest(req, query, parseJson(sent));
      call.receive(request.body);

      await wait(settings.latencyMs / 2);
      const reply = await replyUnder(fault, request, behaviour, async () => {
        await hooks.run(operation);
        return behaviour.reply(request);
      });
      await wait(settings.latencyMs / 2);
      if (reply !== "silence") call.end(reply === "reset" ? undefined : reply.status);
      await deliver(res, reply, fault);
    };

  async function replyUnder(
    fault: Fault | undefined,
    request: ApiRequest,
    behaviour: Behaviour,
    work: () => Promise<Reply>,
  ): Promise<Reply | "reset"> {
    switch (fault?.kind) {
      case undefined:
      case "truncate":
        return work();
      case "wrongUser":
        return asSomebodyElse(await work());
      case "delay": {
        if (!fault.applied) await wait(fault.ms);
        const reply = await work();
        if (fault.applied) await wait(fault.ms);
        return reply;
      }
      case "reset":
        if (fault.when === "after") await work();
        return "reset";
      case "silence":
        if (fault.applied) await work();
        return "silence";
      case "absent":
        if (fault.applied) await work();
        return behaviour.absent(request);
      case "raw":
        if (fault.applied) await work();
        return toRawAnswer(fault);
      case "status":
        if (fault.applied) await work();
        return toStatusAnswer(fault, behaviour);
    }
  }

  async function wait(ms: number): Promise<void> {
    if (ms > 0) await setTimeout(ms, undefined, { signal: stopped }).catch(() => {});
  }
}

function splitUrl(url: string): { path: string; query: Record<string, string> } {
  const mark = url.indexOf("?");
  if (mark < 0) return { path: url, query: {} };
  const query = Object.fromEntries(new URLSearchParams(url.slice(mark)));
  return { path: url.slice(0, mark), query };
}

function toApiRequest(req: Request, query: ApiRequest["query"], body: unknown): ApiRequest {
  const { headers } = req;
  const params = pathParams(req);
  const isJson = /^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "");
  return { id: params.id ?? "", params, query, headers, isJson, body };
}

function pathParams(req: Request): Record<string, string> {
  const named = Object.entries(req.params);
  return Object.fromEntries(
    named.filter((each): each is [string, string] => !Array.isArray(each[1])),
  );
}

function parseJson(sent: string): unknown {
  try {
    return JSON.parse(sent);
  } catch {
    return undefined;
  }
}

function toRawAnswer(fault: Extract<Fault, { kind: "raw" }>): Answer {
  const contentType = fault.contentType && { "content-type": fault.contentType };
  return {
    status: fault.status ?? 200,
    text: fault.body,
    headers: { ...fault.headers, ...contentType },
  };
}

function toStatusAnswer(fault: Extract<Fault, { kind: "status" }>, behaviour: Behaviour): Answer {
  const { status, headers = {} } = fault;
  const usual = behaviour.failure(status);
  const body = fault.body === undefined ? usual.body : fault.body;
  return { status, body, headers: { ...usual.headers, ...headers } };
}

async function deliver(res: ServerResponse, reply: Reply | "reset", fault?: Fault): Promise<void> {
  if (reply === "silence") return; // The caller gives up, or the simulator is disposed.
  if (reply === "reset") resetConnection(res);
  else if (fault?.kind === "truncate") await sendHalf(res, reply);
  else sendAnswer(res, reply);
}
