/**
 * What is written for one user is written in order: a process never races with itself for a User or a Member.
 *
 * Reads and URL requests run freely: a page with three widgets waits no longer than a page with one.
 * See docs/decisions/0002-only-writes-wait.md.
 */

import { createInOrder } from "./in-order.ts";
import type { Platform, SsoDirectory } from "./types.ts";

export function withSsoWritesInOrder(directory: SsoDirectory): SsoDirectory {
  const inOrder = createInOrder();
  return {
    ...directory,
    createUser: (identity, budget) =>
      inOrder(identity.userId, budget, () => directory.createUser(identity, budget)),
    createMember: (identity, credentials, budget) =>
      inOrder(identity.memberId, budget, () =>
        directory.createMember(identity, credentials, budget),
      ),
    updateMember: (memberId, credentials, budget) =>
      inOrder(memberId, budget, () => directory.updateMember(memberId, credentials, budget)),
  };
}

export function withPlatformWritesInOrder(platform: Platform): Platform {
  const inOrder = createInOrder();
  return {
    ...platform,
    createUser: (identity, budget) =>
      inOrder(identity.userId, budget, () => platform.createUser(identity, budget)),
  };
}
