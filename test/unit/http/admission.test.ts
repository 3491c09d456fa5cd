import { EventEmitter } from "node:events";
import type { Request, RequestHandler, Response } from "express";
import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { createAdmission } from "../../../src/http/admission.ts";
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
  const end = (res: Response) => Object.assign(res, { closed: true }).emit("close");
  const takeShare = (tenant: string, res: Response) => {
    res.locals.principal = principalOf({}, tenantOf({ name: tenant }));
    run(takeTenantShare, res);
  };
  /** Whether it got in; what is refused has ended. */
  function ask(tenant: string): Response | undefined {
    let res: Response | undefined;
    try {
      res = enter();
      takeShare(tenant, res);
      return res;
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
  return { enter, end, ask, fill, takeShare };
}

/** What admission reads of a response, and the event that ends it. */
function newResponse(closed = false): Response {
  const parts = { locals: {}, closed, writableFinished: true };
  return Object.assign(new EventEmitter(), parts) as unknown as Response;
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

describe("of several tenants", () => {
  it("one may have half of all, a second half of the rest, and there is room for another", () => {
    const { fill } = admissionOf(200);
    expect(["a", "b", "c", "d"].map((tenant) => fill(tenant).length)).toEqual([100, 50, 25, 13]);
    expect(fill("e").length).toBeGreaterThan(0);
  });

  it.each([1, 2, 3])("each gets in where %i may be in flight and nobody is", (maxInFlight) => {
    const { ask, end } = admissionOf(maxInFlight);
    for (const tenant of ["a", "b", "a"]) {
      const res = ask(tenant);
      expect(res).toBeDefined();
      if (res) end(res);
    }
  });

  it("one gets its share back with the end of its requests", () => {
    const { fill, ask, end } = admissionOf(20);
    for (let round = 0; round < 100; round += 1) {
      const taken = fill("a");
      expect(taken).toHaveLength(10);
      expect(ask("a")).toBeUndefined();
      for (const res of taken) end(res);
    }
  });

  it("one loses nothing where a caller has gone before it was known whose he is", () => {
    const { enter, end, fill, takeShare } = admissionOf(20);
    for (let count = 0; count < 100; count += 1) {
      const res = enter();
      end(res);
      takeShare("a", res);
    }
    expect(fill("a")).toHaveLength(10);
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
