/** What is set for Node itself, and would undo what this service promises. */

import type { Faults } from "./faults.ts";
import type { Environment } from "./types.ts";

/** `flags` as `process.execArgv` has them. */
export function checkProcess(
  environment: Environment,
  flags: readonly string[],
  faults: Faults,
): void {
  const { NODE_TLS_REJECT_UNAUTHORIZED, NODE_DEBUG, DEBUG = "", NODE_OPTIONS = "" } = environment;
  if (NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    faults.add(
      "NODE_TLS_REJECT_UNAUTHORIZED",
      "must not switch off certificate checks; use NODE_EXTRA_CA_CERTS for a CA of your own",
    );
  }
  if (NODE_DEBUG)
    faults.add("NODE_DEBUG", "must be empty: Node would print requests, with their keys");
  if (!/^(0|1|false|true|no|yes|off|on)?$/i.test(DEBUG)) {
    faults.add("DEBUG", "must be empty: packages would print what they send and receive");
  }
  const isProduction = environment.MX_ENVIRONMENT === "production";
  const unsafe = isProduction ? [...UNSAFE_FLAGS, INSPECTOR] : [...UNSAFE_FLAGS, PUBLIC_INSPECTOR];
  const findUnsafe = (given: readonly string[]) =>
    unsafe.find(({ flag }) => flag.test(given.join(" ")));
  const fromEnvironment = findUnsafe([NODE_OPTIONS]);
  const fromCommand = findUnsafe(flags);
  if (fromEnvironment) faults.add("NODE_OPTIONS", fromEnvironment.message);
  if (fromCommand) faults.add("A flag of node", fromCommand.message);
}

/** Node takes `_` for `-` in the names of its flags. */
const UNSAFE_FLAGS = [
  { flag: /--insecure[-_]http[-_]parser\b/, message: "must not loosen the HTTP parser" },
  { flag: /--(tls[-_]keylog|trace[-_]tls)\b/, message: "must not log TLS keys" },
  { flag: /--tls[-_](min|max)[-_]v1\.[01]\b/, message: "must not allow old versions of TLS" },
  { flag: /--tls[-_]cipher[-_]list\b/, message: "must not change the ciphers of TLS" },
  {
    flag: /--(jitless|no[-_]expose[-_]wasm)\b/,
    message: "must not switch off WebAssembly: the client for upstreams needs it",
  },
];
const INSPECTOR = {
  flag: /--inspect\b/,
  message: "must not open a debugger in production: it reads every secret",
};
const PUBLIC_INSPECTOR = {
  flag: /--inspect(-brk|-wait|-port)?[= ](?!\d+\b(?!\.)|127\.|localhost\b|\[::1\])[\w[:.]/,
  message: "must not open a debugger to the network: it reads every secret",
};
