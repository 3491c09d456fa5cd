/**
 * `--verify`: makes one user at MX, tries each assumption through the service's own adapters, and deletes what it made.
 *
 * Steps run one after the other. An interrupt ends them after the one that is under way, so that a create is never left
 * without its delete.
 */

import { AppError } from "../../errors.ts";
import { MEMBER_STEPS, ORPHAN_STEP } from "./member-steps.ts";
import { PLATFORM_STEPS } from "./platform-steps.ts";
import {
  type Deviation,
  describe,
  type Finding,
  type Offers,
  type Run,
  type Step,
} from "./step.ts";
import { cleanUp, type LeftOver, makeUser } from "./test-user.ts";
import { ID_STEPS, REUSE_STEP, SSO_STEPS } from "./user-steps.ts";
import { V3_STEPS } from "./v3-steps.ts";

/** Printed as it is: members are added, never renamed or removed. */
export type Verified = {
  user_id: string;
  interrupted: boolean;
  /** Why no user could be made; then hardly anything was tried. */
  problem: string | null;
  assumptions: readonly Finding[];
  left_over: readonly LeftOver[];
};

/** `signal`: an interrupt. */
export async function verify(
  run: Run,
  { offers, signal }: { offers: Offers; signal: AbortSignal },
): Promise<Verified> {
  const assumptions: Finding[] = [];
  const broken = new Set<string>();
  let problem: string | undefined;
  let leftOver: LeftOver[] = [];

  function whyNot({ needs = [], after = [], phase }: Step): string | undefined {
    const missing = needs.map((need) => offers[need]).find((offer) => offer !== true);
    const base = after.find((id) => broken.has(id));
    if (missing) return missing;
    if (signal.aborted) return "The run was interrupted.";
    if (phase !== "before" && !run.made) return "There is no user to test it with.";
    return base && `It depends on ${base}, which was not confirmed.`;
  }

  async function tryAll(phase: Step["phase"]): Promise<void> {
    for (const step of stepsOf(phase)) {
      const why = whyNot(step);
      const finding = why ? toFinding(step, "not_tried", { why }) : await tryStep(step, run);
      if (!why && finding.verdict !== "confirmed") broken.add(step.id);
      assumptions.push(finding);
    }
  }

  try {
    await tryAll("before");
    if (!signal.aborted) problem = await makeUser(run, { asksPlatform: !broken.has("A13") });
    await tryAll(undefined);
    await tryAll("after");
  } finally {
    leftOver = await cleanUp(run);
  }
  return {
    user_id: run.userId,
    interrupted: signal.aborted,
    problem: problem ?? null,
    assumptions,
    left_over: leftOver,
  };
}

async function tryStep(step: Step, run: Run): Promise<Finding> {
  const deviation = await step.findDeviation(run).catch(toDeviation);
  if (deviation === undefined) return toFinding(step, "confirmed");
  if (typeof deviation === "object")
    return toFinding(step, "not_tried", { why: deviation.untried });
  return toFinding(step, "refuted", { came: `MX ${deviation}.`, change: step.change });
}

/** If MX could not be reached or did not answer, this proves nothing about the assumption. */
function toDeviation(error: unknown): Deviation {
  if (!(error instanceof AppError)) throw error;
  const { code } = error;
  const isOutage = code === "upstream_unavailable" || code === "upstream_timeout";
  return isOutage ? { untried: `MX ${describe(error)}.` } : describe(error);
}

function toFinding(
  { id, assumption }: Step,
  verdict: Finding["verdict"],
  { came = null, change = null, why = null }: Partial<Finding> = {},
): Finding {
  return { id, assumption, verdict, came, change, why };
}

const ALL: readonly Step[] = [
  ...SSO_STEPS,
  ...ID_STEPS,
  ...MEMBER_STEPS,
  ...PLATFORM_STEPS,
  ...V3_STEPS,
  REUSE_STEP,
  ORPHAN_STEP,
];

const stepsOf = (phase: Step["phase"]) => ALL.filter((step) => step.phase === phase);

/** All assumptions about MX, in the order in which they are tried. docs/assumptions.md lists them for people. */
export const STEPS = [...stepsOf("before"), ...stepsOf(undefined), ...stepsOf("after")];
