/**
 * A fault lasts as long as the page that chose it: the page keeps a request open, and whatever ends the page ends that
 * request. The terminal says that there is a fault, so that nobody looks for an error in the service.
 */

import { FAULTS, type FaultName, type SimulatorFaults } from "./faults.ts";

const REMINDER_MS = 30_000;

export type FaultLease = {
  /**
   * Sets the fault; what another page has set ends. Returns what ends it. `onEnd` is called when another page has chosen
   * a fault. Rejects if the simulator does not answer.
   */
  start(name: FaultName, onEnd: () => void): Promise<() => Promise<void>>;
};

type Lease = { label: string; reminder: NodeJS.Timeout; onEnd: () => void };

export function createFaultLease(
  simulator: SimulatorFaults,
  say: (line: string) => void,
): FaultLease {
  let current: Lease | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** One after the other, as each takes several calls. */
  function inTurn(act: () => Promise<void>): Promise<void> {
    const turn = last.then(act);
    last = turn.catch(() => undefined);
    return turn;
  }

  function forget(lease: Lease): void {
    clearInterval(lease.reminder);
    current = undefined;
    say(`Fault off: ${lease.label}.`);
  }

  function end(lease: Lease): Promise<void> {
    return inTurn(async () => {
      if (current !== lease) return;
      forget(lease);
      await simulator.set(undefined);
    });
  }

  return {
    async start(name, onEnd) {
      const { label } = FAULTS[name];
      const reminder = setInterval(() => say(`Fault still on: ${label}.`), REMINDER_MS).unref();
      const lease = { label, reminder, onEnd };
      await inTurn(async () => {
        const before = current;
        if (before) forget(before);
        before?.onEnd();
        current = lease;
        say(
          `Fault on: ${label}. It was set on the demo's page, and ends when that page is closed.`,
        );
        await simulator.set(name).catch((error: unknown) => {
          forget(lease);
          throw error;
        });
      });
      return () => end(lease);
    },
  };
}
