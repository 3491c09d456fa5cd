/** What the protections around a call tell those who watch. */

import * as openTelemetry from "@opentelemetry/api";
import { context, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { describe, expect, it, vi } from "vitest";
import type { Answer, MxApi, MxCall, Send } from "../../../../src/mx/call.ts";
import { withBulkhead } from "../../../../src/mx/policies/bulkhead.ts";
import { withCircuitBreaker } from "../../../../src/mx/policies/circuit-breaker.ts";
import {
  type BreakerState,
  type BulkheadState,
  withObserver,
  withSpans,
} from "../../../../src/mx/policies/instrument.ts";
import { withRetry } from "../../../../src/mx/policies/retry.ts";
import { createRateLimiter } from "../../../../src/rate-limit/limiter.ts";
import { createSecret } from "../../../../src/secret.ts";
import { answerOf, frozenBudget, settle } from "../../fakes.ts";

const CALL: MxCall = {
  operation: "sso.read_user",
  userId: "u-1",
  kind: "read",
  method: "GET",
  path: "/user/u-1",
};

/** Gives these answers, one after the other, then the last one again. */
function answering(...answers: Answer[]): Send {
  let at = 0;
  return async () => answers[Math.min(at++, answers.length - 1)] ?? answerOf("ok");
}

describe("who watches the calls to MX", () => {
  it("is told each answer with the time that it took, and which connections were stale", async () => {
    const told: unknown[] = [];
    const times = [100, 130, 200, 201];
    const send = withObserver(
      answering(answerOf("ok"), answerOf("ambiguous", { reason: "stale_connection" })),
      {
        onAnswer: ({ outcome }, durationMs) => told.push([outcome, durationMs]),
        onStale: () => told.push("stale"),
      },
      () => times.shift() ?? 0,
    );
    await send(CALL, frozenBudget());
    await send(CALL, frozenBudget());
    expect(told).toEqual([["ok", 30], ["ambiguous", 1], "stale"]);
  });

  it("is told times by the process's own clock", async () => {
    vi.useFakeTimers();
    const onAnswer = vi.fn();
    const slow: Send = async () => {
      await vi.advanceTimersByTimeAsync(30);
      return answerOf("ok");
    };
    await withObserver(slow, { onAnswer, onStale() {} })(CALL, frozenBudget());
    vi.useRealTimers();
    expect(onAnswer).toHaveBeenCalledExactlyOnceWith(answerOf("ok"), 30);
  });

  it("is told which calls are repeated, and which are not for want of a budget", async () => {
    const told: unknown[] = [];
    const options = {
      random: () => 0,
      onRetry: (outcome: string) => told.push(outcome),
      onRetryRefused: () => told.push("no budget"),
    };
    await withRetry(answering(answerOf("not_sent"), answerOf("ok")), options)(CALL, frozenBudget());
    const retryBudget = { recordCall() {}, takeRetry: () => false };
    const refusing = withRetry(answering(answerOf("throttled")), { ...options, retryBudget });
    await refusing(CALL, frozenBudget());
    expect(told).toEqual(["not_sent", "no budget"]);
  });

  it("can read the breaker's state, and is told what it did not let through", async () => {
    const told: string[] = [];
    let read: () => BreakerState = () => "closed";
    let now = 0;
    const send = withCircuitBreaker(answering(answerOf("not_sent")), {
      now: () => now,
      random: () => 0.5,
      onNotSent: (reason) => told.push(reason),
      watchBreaker(reader) {
        read = reader;
      },
    });
    expect(read()).toBe("closed");
    for (let time = 0; time < 20; time += 1) {
      await send({ ...CALL, userId: `u-${time}` }, frozenBudget());
    }
    expect(read()).toBe("open");
    await expect(send(CALL, frozenBudget())).rejects.toThrow();
    expect(told).toEqual(["circuit_open"]);
    now = 5001;
    const probe = send(CALL, frozenBudget());
    expect(read()).toBe("half_open");
    await probe;
  });

  it("can read what is in flight and what waits, and is told what did not get in", async () => {
    const told: string[] = [];
    let read: () => BulkheadState = () => ({ inFlight: 0, waiting: 0, connections: 0 });
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const send = withBulkhead(() => promise, {
      connections: 1,
      maxWaiting: 1,
      onNotSent: (reason) => told.push(reason),
      watchBulkhead(reader) {
        read = reader;
      },
    });
    const calls = [send(CALL, frozenBudget()), send(CALL, frozenBudget())];
    await settle();
    expect(read()).toEqual({ inFlight: 1, waiting: 1, connections: 1 });
    await expect(send(CALL, frozenBudget())).rejects.toThrow();
    expect(told).toEqual(["bulkhead_full"]);
    resolve(answerOf("ok"));
    await Promise.all(calls);
    expect(read()).toEqual({ inFlight: 0, waiting: 0, connections: 1 });
  });
});

describe("the span of a call to MX", () => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = provider.getTracer("test");
  const API: Omit<MxApi, "baseUrl"> = {
    name: "sso",
    headers: {},
    classify: () => "ok",
  };
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

  /** What the span says of a call that was answered so, and the headers that the call had. */
  async function spanOf(answer: Answer, base = "https://mx.example/sso", doesPropagate = false) {
    exporter.reset();
    const sent: MxCall[] = [];
    const send: Send = async (call) => {
      sent.push(call);
      return answer;
    };
    const options = { tenant: "bank", tracing: { api: openTelemetry, tracer, doesPropagate } };
    const api = { ...API, baseUrl: new URL(base) };
    const call = { ...CALL, headers: { "accept-language": "fr" } };
    expect(await withSpans(send, api, options)(call, frozenBudget())).toBe(answer);
    const [span] = exporter.getFinishedSpans();
    return { span, headers: sent[0]?.headers ?? {} };
  }

  it.each([
    ["https://mx.example/sso", 443],
    ["http://mx.example", 80],
    ["http://mx.example:8080", 8080],
  ])("names the call by its template, and %s", async (base, port) => {
    const { span } = await spanOf(answerOf("ok"), base);
    expect(span).toMatchObject({ name: "GET /user/{user}", kind: SpanKind.CLIENT });
    expect(span?.attributes).toEqual({
      "server.address": "mx.example",
      "server.port": port,
      tenant: "bank",
      "http.request.method": "GET",
      "url.template": "/user/{user}",
      "mx.operation": "sso.read_user",
      "mx.outcome": "ok",
      "http.response.status_code": 200,
    });
    expect(span?.status.code).toBe(SpanStatusCode.UNSET);
  });

  it.each([
    [answerOf("not_found", { status: 400 }), undefined],
    [answerOf("conflict", { status: 400 }), undefined],
    [answerOf("rejected", { status: 401 }), "rejected"],
    [answerOf("ambiguous", { reason: "timeout" }), "timeout"],
  ])("says what failed (%#)", async (answer, error) => {
    const { span } = await spanOf(answer);
    expect(span?.attributes["error.type"]).toBe(error);
    expect(span?.attributes["http.response.status_code"]).toBe(answer.status);
    expect("http.response.status_code" in (span?.attributes ?? {})).toBe("status" in answer);
    expect(span?.status.code).toBe(error ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
  });

  it.each([true, false])(
    "goes along in a header only where that is wanted: %s",
    async (isWanted) => {
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      const { span, headers } = await spanOf(answerOf("ok"), undefined, isWanted);
      const traceparent = expect.stringContaining(span?.spanContext().traceId ?? "no span");
      expect(headers).toEqual({ "accept-language": "fr", ...(isWanted && { traceparent }) });
    },
  );

  it("is none without a tracer", async () => {
    const send = answering(answerOf("ok"));
    const api = { ...API, baseUrl: new URL("https://mx.example") };
    expect(withSpans(send, api, { tenant: "bank", tracing: undefined })).toBe(send);
  });
});

describe("who watches a rate limit", () => {
  it("is told each refusal", async () => {
    let refusals = 0;
    const limiter = createRateLimiter({
      name: "user",
      limit: { events: 1, windowMs: 60_000 },
      keySecret: createSecret("key"),
      onRefusal: () => {
        refusals += 1;
      },
    });
    await limiter.take("ada");
    await expect(limiter.take("ada")).rejects.toThrow();
    await expect(limiter.check("ada")).rejects.toThrow();
    await limiter.take("bob");
    expect(refusals).toBe(2);
  });
});
