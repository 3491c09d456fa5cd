/** All assumptions about MX, in the order in which they are tried. docs/assumptions.md lists them for people. */

import { ID_STEPS, REUSE_STEP } from "./id-steps.ts";
import { MEMBER_STEPS } from "./member-steps.ts";
import { PLATFORM_STEPS } from "./platform-steps.ts";
import { SSO_STEPS } from "./sso-steps.ts";
import type { Step } from "./step.ts";

const PHASES = ["before", "with", "after"];

export const STEPS: readonly Step[] = [
  ...SSO_STEPS,
  ...ID_STEPS,
  ...MEMBER_STEPS,
  ...PLATFORM_STEPS,
  REUSE_STEP,
].toSorted((one, other) => PHASES.indexOf(one.phase) - PHASES.indexOf(other.phase));
