/** Work that a test puts between two calls: what somebody else did meanwhile. */

import type { Operation } from "./operation.ts";

export type Hook = () => void | Promise<void>;

export type HookList = {
  add(operation: Operation, hook: Hook): void;
  /** Runs the oldest hook of this operation, if there is one. */
  run(operation: Operation | "unknown"): Promise<void>;
};

export function createHookList(): HookList {
  const waiting: { operation: Operation; hook: Hook }[] = [];

  return {
    add(operation, hook) {
      waiting.push({ operation, hook });
    },
    async run(operation) {
      const index = waiting.findIndex((entry) => entry.operation === operation);
      const [due] = index < 0 ? [] : waiting.splice(index, 1);
      await due?.hook();
    },
  };
}
