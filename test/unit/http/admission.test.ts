import { EventEmitter } from "node:events";
import type { Request, RequestHandler, Response } from "express";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { createAdmission, type Lifecycle, limitFailures } from "../../../src/http/admission.ts";
import { principalOf, tenantOf } from "../fakes.ts";

function admissionOf(maxInFlight: number, isShared = true) {
  const { shedLoad, admit, takeTenantShare } = createAdmission({
    maxInFlight,
    isShared,
    deadlineMs: 8000,
    lifecycle: { state: "serving" },
  });
  const enter = () => {
    const res = newResponse();
    run(shedLoad, res);
    run(admit, res);
    return res;
  };
  const takeShare = (tenant: string, res: Response) => {
    res.locals.principal = principalOf({}, tenantOf({ name: tenant }));
    return run(takeTenantShare, res);
  };
  /** Whether it got in; what is refused has ended. */
  function ask(tenant: string): Response | undefined {
    let res: Response | undefined;
    try {
      res = enter();
      return takeShare(tenant, res) ? res : undefined;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "overloaded") throw error;
      if (res) end(res);
      return undefined;
    }
  }
  /** How many get in before the first is refused. */
  function fill(tenant: string): Response[] {
    const taken: Response[] = [];
    for (let res = ask(tenant); res; res = ask(tenant)) taken.push(res);
    return taken;
  }
  return { enter, ask, fill, takeShare };
}

/** What admission reads of a response, and the event that ends it. */
function newResponse(closed = false): Response {
  const parts = { locals: {}, closed, writableFinished: true };
  return Object.assign(new EventEmitter(), parts) as unknown as Response;
}

/** The answer has been sent, or the caller has gone. */
function end(res: Response): void {
  Object.assign(res, { closed: true }).emit("close");
}

/** Whether the middleware passed the request on. */
function run(middleware: RequestHandler, res: Response): boolean {
  let isPassedOn = false;
  middleware({} as Request, res, (error?: unknown) => {
    if (error) throw error;
    isPassedOn = true;
  });
  return isPassedOn;
}

describe("a request whose caller has gone before it is admitted", () => {
  it("takes no place, for nothing would give it back, and goes no further", () => {
    const { admit, shedLoad } = createAdmission({
      maxInFlight: 1,
      isShared: false,
      deadlineMs: 8000,
      lifecycle: { state: "serving" },
    });

    expect(run(admit, newResponse(true))).toBe(false);

    expect(run(shedLoad, newResponse())).toBe(true);
  });
});

describe("a replica", () => {
  function replicaOf(state: Lifecycle["state"], maxInFlight = 1) {
    const lifecycle = { state };
    return createAdmission({ maxInFlight, isShared: false, deadlineMs: 8000, lifecycle });
  }
  const overloaded = expect.objectContaining({ code: "overloaded", retryAfterSeconds: 1 });

  it("passes on what has a place", () => {
    const { shedLoad, admit } = replicaOf("serving");
    expect(run(shedLoad, newResponse())).toBe(true);
    expect(run(admit, newResponse())).toBe(true);
  });

  it("sheds what comes while all places are taken, and no longer", () => {
    const { shedLoad, admit } = replicaOf("serving", 2);
    const first = newResponse();
    run(admit, first);
    run(shedLoad, newResponse());
    run(admit, newResponse());
    expect(() => run(shedLoad, newResponse())).toThrow(overloaded);

    end(first);
    expect(run(shedLoad, newResponse())).toBe(true);
  });

  it("refuses what loses the last place while its body comes", () => {
    const { shedLoad, admit } = replicaOf("serving");
    const [fast, slow] = [newResponse(), newResponse()];
    for (const res of [fast, slow]) run(shedLoad, res);
    run(admit, fast);
    expect(() => run(admit, slow)).toThrow(overloaded);
  });

  it.each([
    ["serving", true],
    ["draining", true],
    ["closing", false],
  ] as const)("that is %s takes something new: %s", (state, isTaken) => {
    const { shedLoad } = replicaOf(state);
    const ask = () => run(shedLoad, newResponse());
    if (isTaken) return expect(ask()).toBe(true);
    const shuttingDown = { code: "shutting_down", retryAfterSeconds: 1 };
    expect(ask).toThrow(expect.objectContaining(shuttingDown));
  });
});

describe("the budget of a request", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is its deadline, from when it is admitted", () => {
    const { enter } = admissionOf(1);
    const { budget } = enter().locals;
    vi.advanceTimersByTime(3000);
    expect(budget?.remainingMs()).toBe(5000);
  });

  it.each([
    ["the caller has gone", false],
    ["the answer has been sent", true],
  ])("when %s allows another call: %s", (_what, writableFinished) => {
    const { enter } = admissionOf(1);
    const res = Object.assign(enter(), { writableFinished });
    end(res);
    expect(res.locals.budget?.allows("read", 0)).toBe(writableFinished);
  });
});

describe("of several tenants", () => {
  it("one may have half of all, a second half of the rest, and there is room for another", () => {
    const { fill } = admissionOf(200);
    expect(["a", "b", "c", "d"].map((tenant) => fill(tenant).length)).toEqual([100, 50, 25, 13]);
    expect(fill("e").length).toBeGreaterThan(0);
  });

  it.each([1, 2, 3])("each gets in where %i may be in flight and nobody is", (maxInFlight) => {
    const { ask } = admissionOf(maxInFlight);
    for (const tenant of ["a", "b", "a"]) {
      const res = ask(tenant);
      expect(res).toBeDefined();
      if (res) end(res);
    }
  });

  it("one gets its share back with the end of its requests", () => {
    const { fill, ask } = admissionOf(20);
    for (let round = 0; round < 100; round += 1) {
      const taken = fill("a");
      expect(taken).toHaveLength(10);
      expect(ask("a")).toBeUndefined();
      for (const res of taken) end(res);
    }
  });

  it("one loses nothing where a caller has gone before it was known whose he is", () => {
    const { enter, fill, takeShare } = admissionOf(20);
    for (let count = 0; count < 100; count += 1) {
      const res = enter();
      end(res);
      takeShare("a", res);
    }
    expect(fill("a")).toHaveLength(10);
  });

  it("one that has its share is told so, and when to try again", () => {
    const { enter, fill, takeShare } = admissionOf(20);
    fill("a");
    const refused = { code: "overloaded", reason: "tenant_share", retryAfterSeconds: 1 };
    expect(() => takeShare("a", enter())).toThrow(expect.objectContaining(refused));
  });

  it("none is held up by requests whose tenant is not known yet, as long as they are few", () => {
    const { enter, fill } = admissionOf(200);
    for (let count = 0; count < 90; count += 1) enter();
    expect(fill("a")).toHaveLength(100);
  });
});

describe("a single tenant", () => {
  it("may have all", () => {
    const { fill } = admissionOf(200, false);
    expect(fill("default")).toHaveLength(200);
  });
});

describe("the limit of failed logins", () => {
  it.each([
    ["unauthenticated", new AppError("unauthenticated", "no"), 1],
    ["a good login that may not", new AppError("forbidden", "no"), 0],
    ["an issuer that is out of reach", new AppError("auth_unavailable", "no"), 0],
    ["a fault of our own", new Error("no"), 0],
  ])("counts %s: %3$s", async (_what, error, count) => {
    const limiter = { check: vi.fn(), take: vi.fn() };
    const failing = limitFailures(limiter, "192.0.2.7", () => Promise.reject(error));
    await expect(failing).rejects.toBe(error);
    expect(limiter.check).toHaveBeenCalledOnce();
    expect(limiter.take).toHaveBeenCalledTimes(count);
  });
});
