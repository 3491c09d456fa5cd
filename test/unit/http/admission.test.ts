import { EventEmitter } from "node:events";
import type { Response } from "express";
import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { createAdmission } from "../../../src/http/admission.ts";

function admissionOf(maxInFlight: number, isShared = true) {
  const { findRefusal, admit, takeShare } = createAdmission({
    maxInFlight,
    isShared,
    deadlineMs: 8000,
    lifecycle: { state: "serving" },
  });
  const enter = () => {
    const refusal = findRefusal();
    if (refusal) throw refusal;
    const res = Object.assign(new EventEmitter(), {
      locals: {},
      closed: false,
      writableFinished: true,
    });
    admit(res as unknown as Response);
    return res as unknown as Response;
  };
  const end = (res: Response) => Object.assign(res, { closed: true }).emit("close");
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

describe("a request whose caller has gone before it is taken", () => {
  it("takes no place, for nothing would give it back, and goes no further", () => {
    const { admit, findRefusal } = createAdmission({
      maxInFlight: 1,
      isShared: false,
      deadlineMs: 8000,
      lifecycle: { state: "serving" },
    });
    const gone = Object.assign(new EventEmitter(), { locals: {}, closed: true });

    expect(admit(gone as unknown as Response)).toBeUndefined();

    expect(findRefusal()).toBeUndefined();
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
