/**
 * `--verify`: makes one user at MX, tries each assumption through the service's own adapters, and deletes what it made.
 *
 * Steps run one after the other. An interrupt ends them after the one that is under way, so that a create is never left
 * without its delete.
 */
/** All assumptions about MX, in the order in which they are tried. docs/assumptions.md lists them for people. */

import { AppError } from "../../errors.ts";
import { MEMBER_STEPS, ORPHAN_STEP } from "./member-steps.ts";
import { PLATFORM_STEPS } from "./platform-steps.ts";
import { describe, type Finding, type Need, type Run, type Step } from "./step.ts";
import { cleanUp, type LeftOver, makeUser } from "./test-user.ts";
import { ID_STEPS, REUSE_STEP, SSO_STEPS } from "./user-steps.ts";
import { V3_STEPS } from "./v3-steps.ts";

type VerifyOptions = {
  /** What the configuration and the arguments allow to try. */
  offers: ReadonlySet<Need>;
  /** An interrupt. */
  signal: AbortSignal;
};

export type Verified = {
  userId: string;
  findings: readonly Finding[];
  /** Why no user could be made; then hardly anything was tried. */
  problem: string | undefined;
  leftOver: readonly LeftOver[];
  wasInterrupted: boolean;
};

export async function verify(run: Run, { offers, signal }: VerifyOptions): Promise<Verified> {
  const findings: Finding[] = [];
  const broken = new Set<string>();
  let problem: string | undefined;

  function whyNot({ needs = [], after = [], phase }: Step): string | undefined {
    const missing = needs.find((need) => !offers.has(need));
    const base = after.find((id) => broken.has(id));
    if (missing) return NEED_TEXTS[missing];
    if (signal.aborted) return "The run was interrupted.";
    if (phase !== "before" && !run.made) return "There is no user to test it with.";
    return base && `It depends on ${base}, which was not confirmed.`;
  }

  async function tryAll(phase: Step["phase"]): Promise<void> {
    for (const step of STEPS.filter((each) => each.phase === phase)) {
      const why = whyNot(step);
      const finding = why ? notTried(step, why) : await tryStep(step, run);
      if (finding.verdict === "refuted" || (!why && finding.verdict === "not_tried"))
        broken.add(step.id);
      findings.push(finding);
    }
  }

  try {
    await tryAll("before");
    if (!signal.aborted) problem = await makeUser(run, { asksPlatform: !broken.has("A13") });
    await tryAll("with");
    await tryAll("after");
  } catch (error) {
    await cleanUp(run);
    throw error;
  }
  const leftOver = await cleanUp(run);
  return { userId: run.userId, findings, problem, leftOver, wasInterrupted: signal.aborted };
}

const NEED_TEXTS: Record<Need, string> = {
  sso: "The SSO API v2 is not configured.",
  platform_users: "The Platform API does not create the users.",
  urls: "The SSO API v2 creates the widget URLs.",
  both: "Only one of MX's APIs is configured.",
  v20111101: "It applies only to MX_PLATFORM_VERSION=v20111101.",
  ids_in_paths: "The Platform API v20111101 does not accept your own ids in paths.",
  sso_v3: "The SSO API v3 does not create the widget URLs.",
  one_key: "The SSO API v3 is not configured, or MX_MDX_API_KEY is another key.",
  mdx: "MDX Real Time is not configured.",
  member:
    "It needs --with-member, and an API with Members. An invented userkey may start a login at a data provider.",
};

async function tryStep(step: Step, run: Run): Promise<Finding> {
  try {
    const deviation = await step.findDeviation(run);
    if (deviation === undefined) return { ...head(step), verdict: "confirmed" };
    if (typeof deviation === "object") return notTried(step, deviation.untried);
    return refuted(step, deviation);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return isOutage(error)
      ? notTried(step, `MX ${describe(error)}.`)
      : refuted(step, describe(error));
  }
}

/** MX could not be reached or did not answer, which proves nothing about the assumption. */
function isOutage({ code }: AppError): boolean {
  return code === "upstream_unavailable" || code === "upstream_timeout";
}

function head({ id, assumption }: Step) {
  return { id, assumption };
}

function notTried(step: Step, why: string): Finding {
  return { ...head(step), verdict: "not_tried", why };
}

function refuted(step: Step, came: string): Finding {
  return { ...head(step), verdict: "refuted", came: `MX ${came}.`, change: step.change };
}

const PHASES = ["before", "with", "after"];

export const STEPS: readonly Step[] = [
  ...SSO_STEPS,
  ...ID_STEPS,
  ...MEMBER_STEPS,
  ...PLATFORM_STEPS,
  ...V3_STEPS,
  REUSE_STEP,
  ORPHAN_STEP,
].toSorted((one, other) => PHASES.indexOf(one.phase) - PHASES.indexOf(other.phase));
