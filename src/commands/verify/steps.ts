/** All assumptions about MX, in the order in which they are tried. docs/assumptions.md lists them for people. */

import { ID_STEPS, REUSE_STEP } from "./id-steps.ts";
import { MEMBER_STEPS, ORPHAN_STEP } from "./member-steps.ts";
import { PLATFORM_STEPS } from "./platform-steps.ts";
import { SSO_STEPS } from "./sso-steps.ts";
import type { Step } from "./step.ts";
import { V3_STEPS } from "./v3-steps.ts";

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
