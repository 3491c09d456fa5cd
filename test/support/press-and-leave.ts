import type { Locator } from "playwright-core";

/** Presses a button that closes its own window or frame, which would cut off playwright's own click. */
export async function pressAndLeave(button: Locator): Promise<void> {
  await button.evaluate((node: HTMLElement) => void setTimeout(() => node.click()));
}
