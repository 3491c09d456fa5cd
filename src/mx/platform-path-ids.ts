/**
 * How a User is named in the paths of MX's Platform API.
 *
 * v20250224 takes the partner's own id. v20111101 wants MX's guid, which is found by the `id` filter and remembered until
 * a 404 says otherwise.
 * Source: MX Platform API, List users, Read user.
 */

import { LRUCache } from "lru-cache";
import * as z from "zod";
import type { Budget } from "../session/budget.ts";
import type { PlatformUser } from "../session/types.ts";
import type { GoodAnswer, Send } from "./call.ts";
import { readOne } from "./client.ts";
import type { Connection } from "./create-or-find.ts";
import { read, refuseOtherUser, requireGood, UserGuid, unusable } from "./outcome.ts";

type PathIds = {
  /** Costs a call only where MX wants its guid and it is not remembered. */
  findUser: FindUser;
  /** Asks MX whether the User is there, after a create whose answer was lost. */
  confirmUser: FindUser;
  toCreated(userId: string, answer: GoodAnswer): PlatformUser;
  /** If "already exists" is enough to continue. */
  toExisting?(userId: string): PlatformUser;
  /** MX knows no such User any more. */
  forget(userId: string): void;
};

type FindUser = (
  userId: string,
  connection: Connection,
  budget: Budget,
) => Promise<PlatformUser | undefined>;

/** Guids, about 200 bytes each. */
const MAX_REMEMBERED = 10_000;

const User = z.object({
  guid: UserGuid.nullish(),
  id: z.string().nullish(),
  is_disabled: z.boolean().nullish(),
});
const UserBody = z.object({ user: User });
const UsersBody = z.object({ users: z.array(User) });

/** For v20250224. */
export function createPartnerIds(send: Send): PathIds {
  return {
    findUser: async (userId) => toPlatformUser(userId),
    async confirmUser(userId, { newConnection }, budget) {
      const path = `/users/${encodeURIComponent(userId)}`;
      const asked = { userId, path, newConnection };
      const answer = await readOne(send, "platform.read_user", asked, budget);
      return answer && toOwnUser(userId, requireGood(answer));
    },
    toCreated: toOwnUser,
    toExisting: (userId) => toPlatformUser(userId, {}),
    forget() {},
  };
}

/** For v20111101. */
export function createGuids(send: Send): PathIds {
  const guids = new LRUCache<string, string>({ max: MAX_REMEMBERED });

  function remember(user: PlatformUser, guid: string): PlatformUser {
    guids.set(user.userId, guid);
    return { ...user, pathId: guid };
  }

  const findUser: FindUser = async (userId, { newConnection }, budget) => {
    const remembered = guids.get(userId); // A concurrent request may have found it.
    if (remembered) return { ...toPlatformUser(userId), pathId: remembered };
    const path = `/users?id=${encodeURIComponent(userId)}`;
    const call = { operation: "platform.list_users", userId, kind: "read", method: "GET" } as const;
    const answer = await send({ ...call, path, newConnection }, budget);
    const { users } = read(UsersBody, requireGood(answer));
    const user = users.find(({ id }) => id === userId); // Assumption A18: MX's filter finds it.
    return user?.guid ? remember(toPlatformUser(userId, user), user.guid) : undefined;
  };

  return {
    findUser,
    confirmUser: findUser,
    toCreated(userId, answer) {
      const user = toOwnUser(userId, answer);
      if (!user.guid) throw unusable(answer, "no_guid");
      return remember(user, user.guid);
    },
    forget: (userId) => void guids.delete(userId),
  };
}

export function toOwnUser(userId: string, answer: GoodAnswer): PlatformUser {
  const { user } = read(UserBody, answer);
  refuseOtherUser(answer, user.id, userId);
  return toPlatformUser(userId, user);
}

/** `shown`: what MX has said of the User, if it has named it at all. */
export function toPlatformUser(userId: string, shown?: z.infer<typeof User>): PlatformUser {
  return {
    userId,
    pathId: userId,
    guid: shown?.guid ?? undefined,
    isDisabled: shown?.is_disabled ?? false,
    isConfirmed: shown !== undefined,
    isNew: false,
  };
}
