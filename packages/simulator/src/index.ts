/** The package's API: MX, and an identity provider for its users, started inside a test. */

export type { Call, CallLog } from "./call-log.ts";
export type { DemoUsers } from "./demo-users.ts";
export { DEVIATIONS, type Deviation } from "./deviations.ts";
export type { Fault, FaultOptions } from "./faults.ts";
export {
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from "./identity-provider.ts";
export type { Operation } from "./operation.ts";
export type { Seed } from "./seed.ts";
export type { SimulatorSettings } from "./settings.ts";
export {
  type Simulator,
  type SimulatorCredentials,
  type SimulatorOptions,
  startSimulator,
} from "./simulator.ts";
export type { TokenOverrides } from "./tokens.ts";
