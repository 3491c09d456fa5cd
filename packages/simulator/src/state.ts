/**
 * What MX knows: one client's Users, their Members, and the widget URLs it has given out. Both APIs work on it.
 *
 * Ids are unique within the client, the partner's own as well as MX's. Guids and tokens are random, so that two
 * simulators never share one and a mix-up between them cannot pass unnoticed.
 */

import { randomBytes, randomUUID } from "node:crypto";
import type { Clock } from "./clock.ts";

export type Profile = {
  first_name?: string | undefined;
  last_name?: string | undefined;
  phone?: string | undefined;
  birthdate?: string | undefined;
  sex?: "MALE" | "FEMALE" | undefined;
  credit_score?: number | undefined;
  zip_code?: string | undefined;
};

export type SimulatedUser = {
  /** `USR-…`, MX's own. */
  readonly guid: string;
  /** The partner's: `external_user_guid` of the SSO API, `id` of the Platform API. */
  readonly id: string | null;
  email: string | null;
  isDisabled: boolean;
  metadata: string | null;
  profile: Profile;
  readonly createdAt: number;
  /** Which API made it; `undefined` for a test that made it itself. */
  readonly madeBy: "sso" | "platform" | "mdx" | undefined;
};

export type MemberCredential = { field_name: string; response: string };

export type SimulatedMember = {
  /** `MBR-…`, MX's own. */
  readonly guid: string;
  /** The partner's: `external_member_guid`. */
  readonly id: string | null;
  readonly userGuid: string;
  credentials: readonly MemberCredential[];
  timesUpdated: number;
  readonly createdAt: number;
};

/** What a widget URL stands for. One of the SSO API stands for a URL of each of seven widget types. */
export type WidgetTicket = {
  readonly token: string;
  readonly userGuid: string;
  readonly widgetTypes: readonly string[];
  /** As the Platform API was asked; empty for the SSO API. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly acceptLanguage: string | undefined;
  readonly issuedAt: number;
  /** The widget types whose URL has been opened. */
  readonly opened: ReadonlySet<string>;
};

export type SimulatorState = {
  /** By guid. */
  readonly users: ReadonlyMap<string, SimulatedUser>;
  /** By guid. */
  readonly members: ReadonlyMap<string, SimulatedMember>;
  /** By token; long-expired ones are forgotten. */
  readonly widgetTickets: ReadonlyMap<string, WidgetTicket>;
  /** How many were ever made, deleted ones included. */
  readonly created: {
    readonly users: number;
    readonly members: number;
    readonly widgetTickets: number;
  };
  /** By guid or the partner's id. */
  findUser(idOrGuid: string): SimulatedUser | undefined;
  /** By guid or the partner's id. */
  findMember(idOrGuid: string): SimulatedMember | undefined;
  membersOf(user: SimulatedUser): readonly SimulatedMember[];
  /** Throws when the id is taken. */
  createUser(user?: NewUser): SimulatedUser;
  /** Throws when the id is taken. */
  createMember(member: NewMember): SimulatedMember;
  /** Throws when the new id is taken. */
  renameUser(user: SimulatedUser, id: string): SimulatedUser;
  /** As MX does on its own: the User goes, with the Members and all widget URLs. */
  deleteUser(user: SimulatedUser, options?: { keepMembers?: boolean }): void;
  /** Whether a User of this id was ever deleted. */
  wasDeleted(id: string): boolean;
  deleteMember(member: SimulatedMember): void;
  issueTicket(ticket: NewTicket): WidgetTicket;
  /** The ticket if this URL may be opened now; from then on it may not. */
  openWidget(token: string, widgetType: string): WidgetTicket | undefined;
};

export type NewUser = Partial<Omit<SimulatedUser, "guid" | "createdAt">>;
export type NewMember = Pick<SimulatedMember, "id" | "userGuid" | "credentials">;
export type NewTicket = Pick<WidgetTicket, "userGuid" | "widgetTypes"> &
  Partial<Pick<WidgetTicket, "options" | "acceptLanguage">>;

export function createState(clock: Clock): SimulatorState {
  const users = createRegistry<SimulatedUser>();
  const members = createRegistry<SimulatedMember>();
  const tickets = createTickets(clock);
  const deletedUserIds = new Set<string>();
  const created = { users: 0, members: 0, widgetTickets: 0 };
  const membersOf = (user: SimulatedUser) =>
    [...members.byGuid.values()].filter((member) => member.userGuid === user.guid);

  return {
    users: users.byGuid,
    members: members.byGuid,
    widgetTickets: tickets.byToken,
    created,
    findUser: users.find,
    findMember: members.find,
    membersOf,
    createUser(given = {}) {
      const user = { ...newUser(clock.now()), ...given };
      users.add(user);
      created.users += 1;
      return user;
    },
    createMember(given) {
      const own = { guid: `MBR-${randomUUID()}`, timesUpdated: 0, createdAt: clock.now() };
      const member = { ...own, ...given };
      members.add(member);
      created.members += 1;
      return member;
    },
    renameUser(user, id) {
      const renamed = { ...user, id };
      users.add(renamed);
      users.releaseId(user);
      return renamed;
    },
    deleteUser(user, { keepMembers = false } = {}) {
      if (!keepMembers) membersOf(user).forEach(members.remove);
      users.remove(user);
      if (user.id !== null) deletedUserIds.add(user.id);
    },
    wasDeleted: (id) => deletedUserIds.has(id),
    deleteMember: members.remove,
    issueTicket(given) {
      created.widgetTickets += 1;
      return tickets.issue(given);
    },
    openWidget(token, widgetType) {
      const ticket = tickets.findOpenable(token, widgetType);
      if (!ticket || users.byGuid.get(ticket.userGuid)?.isDisabled !== false) return undefined;
      ticket.opened.add(widgetType);
      return ticket;
    },
  };
}

function newUser(createdAt: number): SimulatedUser {
  return {
    guid: `USR-${randomUUID()}`,
    id: null,
    email: null,
    isDisabled: false,
    metadata: null,
    profile: {},
    createdAt,
    madeBy: undefined,
  };
}

/** What is found by MX's guid or the partner's id. */
function createRegistry<Thing extends { readonly guid: string; readonly id: string | null }>() {
  const byGuid = new Map<string, Thing>();
  const guids = new Map<string, string>();

  function releaseId({ id }: Thing): void {
    if (id !== null) guids.delete(id);
  }

  return {
    byGuid,
    find: (idOrGuid: string) => byGuid.get(idOrGuid) ?? byGuid.get(guids.get(idOrGuid) ?? ""),
    /** Throws when the id is taken. */
    add(thing: Thing): void {
      if (thing.id !== null) {
        if (guids.has(thing.id)) throw new Error(`${thing.id} exists`);
        guids.set(thing.id, thing.guid);
      }
      byGuid.set(thing.guid, thing);
    },
    releaseId,
    remove(thing: Thing): void {
      releaseId(thing);
      byGuid.delete(thing.guid);
    },
  };
}

/** Source: MX Platform API, Request widget URL: ten minutes or the first use. SSO API v2, Guide: ten minutes. */
const TICKET_LIFETIME_MS = 10 * 60_000;

function createTickets(clock: Clock) {
  const byToken = new Map<string, OpenableTicket>();
  const isExpired = ({ issuedAt }: WidgetTicket) => clock.now() - issuedAt >= TICKET_LIFETIME_MS;

  /** Tickets are kept in the order of issue, so the oldest come first. */
  function forgetExpired(): void {
    for (const ticket of byToken.values()) {
      if (!isExpired(ticket)) return;
      byToken.delete(ticket.token);
    }
  }

  return {
    byToken,
    issue(given: NewTicket): WidgetTicket {
      forgetExpired();
      const ticket = {
        token: randomBytes(48).toString("hex"),
        options: {},
        acceptLanguage: undefined,
        issuedAt: clock.now(),
        opened: new Set<string>(),
        ...given,
      };
      byToken.set(ticket.token, ticket);
      return ticket;
    },
    findOpenable(token: string, widgetType: string): OpenableTicket | undefined {
      const ticket = byToken.get(token);
      if (!ticket?.widgetTypes.includes(widgetType)) return undefined;
      return isExpired(ticket) || isSpent(ticket, widgetType) ? undefined : ticket;
    },
  };
}

type OpenableTicket = WidgetTicket & { readonly opened: Set<string> };

/**
 * MX says "first use" of a single widget URL. That each of the seven URLs of an SSO answer has a first use of its own
 * is assumed; `ticket.opened.size > 0` would make them share one.
 */
function isSpent(ticket: WidgetTicket, widgetType: string): boolean {
  return ticket.opened.has(widgetType);
}
