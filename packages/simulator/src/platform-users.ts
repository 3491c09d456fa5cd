/**
 * Users of the Platform API.
 *
 * A body without its root, or empty, is a 400; a field that breaks its rule a 422 (both statuses are documented, which
 * fault gets which is assumed). Source: MX Platform API, Users, Formats, Errors.
 */

import { z } from "zod";
import type { Answer } from "./answer.ts";
import { deviates } from "./deviations.ts";
import { createKnownUsers } from "./known-users.ts";
import { alreadyExists, notFound, platformError, whatIsInvalid } from "./platform-errors.ts";
import type { PlatformHandle } from "./platform-request.ts";
import type { PlatformVersion } from "./platform-versions.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { SimulatedUser, SimulatorState } from "./state.ts";
import type { VisibleUsers } from "./visible-users.ts";

export type PlatformUsers = Record<
  "create" | "list" | "listNone" | "read" | "update" | "delete",
  PlatformHandle
>;

export function createPlatformUsers(options: {
  state: SimulatorState;
  settings: SimulatorSettings;
  visible: VisibleUsers;
}): PlatformUsers {
  const { state, settings, visible } = options;
  const known = createKnownUsers(state, settings);

  return {
    create: ({ body, version }) =>
      withFields(body, (fields) => {
        if (isTaken(fields.id)) return conflict();
        const user = state.createUser({
          id: fields.id ?? null,
          email: fields.email ?? null,
          isDisabled: fields.is_disabled ?? false,
          metadata: fields.metadata ?? null,
          madeBy: "platform",
        });
        return show(user, version);
      }),

    list({ query, version }) {
      if (query.id !== undefined && deviates(settings, "id-filter-empty"))
        return showPage([], query, version);
      const found = visible
        .list()
        .filter((user) => (query.id ?? user.id) === user.id)
        .filter((user) => (query.email ?? user.email) === user.email)
        .filter((user) => (query.is_disabled ?? `${user.isDisabled}`) === `${user.isDisabled}`);
      return showPage(found, query, version);
    },

    listNone: ({ query, version }) => showPage([], query, version),

    read({ id, version }) {
      if (known.isTooLong(id)) return platformError(422, "id is invalid");
      const user = visible.find(id, version);
      return user ? show(user, version) : notFound();
    },

    update({ id, body, version }) {
      const found = visible.find(id, version);
      if (!found) return notFound();
      return withFields(body, (fields) => {
        const isRenamed = fields.id !== undefined && fields.id !== found.id;
        if (isRenamed && isTaken(fields.id)) return alreadyExists();
        const user = isRenamed ? state.renameUser(found, fields.id ?? "") : found;
        user.email = fields.email ?? user.email;
        user.isDisabled = fields.is_disabled ?? user.isDisabled;
        user.metadata = fields.metadata ?? user.metadata;
        return show(user, version);
      });
    },

    delete({ id, version }) {
      const user = visible.find(id, version);
      if (!user) return notFound();
      state.deleteUser(user, { keepMembers: deviates(settings, "members-outlive-users") });
      return { status: 204 };
    },
  };

  function isTaken(id: string | undefined): boolean {
    return id !== undefined && known.isTaken(id);
  }

  function conflict(): Answer {
    return deviates(settings, "conflict-status") ? platformError(422) : alreadyExists();
  }
}

const Body = z.object({
  user: z.record(z.string(), z.unknown()).refine((user) => Object.keys(user).length > 0),
});

const MAIL_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?";
const EMAIL = new RegExp(`^[^@\\s.]+(\\.[^@\\s.]+)*@${MAIL_LABEL}(\\.${MAIL_LABEL})+$`);

const Fields = z.object({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional(),
  email: z.string().regex(EMAIL).optional(),
  is_disabled: z.boolean().optional(),
  metadata: z.string().optional(),
});

function withFields(body: unknown, use: (fields: z.infer<typeof Fields>) => Answer): Answer {
  const rooted = Body.safeParse(body);
  if (!rooted.success) return platformError(400, "user is missing or empty");
  const fields = Fields.safeParse(rooted.data.user);
  return fields.success ? use(fields.data) : platformError(422, whatIsInvalid(fields.error));
}

function show(user: SimulatedUser, version: PlatformVersion): Answer {
  return { status: 200, body: { user: showUser(user, version) } };
}

function showUser(user: SimulatedUser, version: PlatformVersion): object {
  const { guid, id, email, isDisabled, metadata } = user;
  return {
    guid,
    id,
    email: email ?? version.unknownEmail,
    is_disabled: isDisabled,
    metadata,
    ...(version.showsProfile && showProfile(user)),
  };
}

/** Not in MX's OpenAPI file, but on its page on Users. */
function showProfile({ profile }: SimulatedUser): object {
  return {
    first_name: profile.first_name ?? null,
    last_name: profile.last_name ?? null,
    born_on: profile.birthdate ?? null,
    gender: profile.sex ?? null,
    phone: profile.phone ?? null,
    postal_code: profile.zip_code ?? null,
    credit_score: profile.credit_score ?? null,
    logged_in_at: null,
  };
}

/** 25 records a page, or 10 to 1000 as asked for; any other number counts as not asked for. */
function showPage(
  users: readonly SimulatedUser[],
  query: Readonly<Record<string, string>>,
  version: PlatformVersion,
): Answer {
  const asked = Number(query.records_per_page);
  const size = asked >= 10 && asked <= 1000 ? Math.floor(asked) : 25;
  const page = Math.max(1, Math.floor(Number(query.page)) || 1);
  const shown = users.slice((page - 1) * size, page * size);
  const pagination = {
    current_page: page,
    per_page: size,
    total_entries: users.length,
    total_pages: Math.max(1, Math.ceil(users.length / size)),
  };
  return { status: 200, body: { users: shown.map((user) => showUser(user, version)), pagination } };
}
