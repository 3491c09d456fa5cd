/**
 * Users of the SSO API v2. What comes back is not shaped like what goes in.
 *
 * Source: MX SSO API v2, Create user, Read user, Update user.
 */

import { z } from "zod";
import type { Answer } from "./answer.ts";
import type { Clock } from "./clock.ts";
import { deviates } from "./deviations.ts";
import type { KnownUsers } from "./known-users.ts";
import type { ApiRequest } from "./serve.ts";
import type { SimulatorSettings } from "./settings.ts";
import { invalidUserId, ssoError, ssoFailure, userExists, userNotFound } from "./sso-errors.ts";
import type { SimulatedUser, SimulatorState, WidgetTicket } from "./state.ts";
import { widgetPath } from "./widget-url.ts";

export type SsoUsersOptions = {
  credentials: { clientGuid: string };
  state: SimulatorState;
  settings: SimulatorSettings;
  users: KnownUsers;
  clock: Clock;
  widgetOrigin: string;
};

export type SsoUsers = Record<
  "read" | "create" | "update" | "delete",
  (request: ApiRequest) => Answer
>;

export function createSsoUsers(options: SsoUsersOptions): SsoUsers {
  const { state, settings, users, clock } = options;

  return {
    read({ id }) {
      if (users.isTooLong(id)) return invalidUserId();
      const user = users.find(id);
      if (!user) return userNotFound(id);
      return { status: 200, body: { ...show(user), last_login: dayOf(clock) } };
    },

    create({ body }) {
      const given = NewUser.safeParse(body);
      if (!given.success) return ssoError(400, "Create user failed: a field is not valid.");
      const { external_user_guid: id = "", email = null, ...profile } = given.data;
      if (profile.credit_score !== undefined && deviates(settings, "credit-score-refused"))
        return ssoError(400, "Create user failed: a field is not valid.");
      if (id === "" || id.startsWith("USR-") || users.isTooLong(id)) return invalidUserId();
      if (users.isTaken(id)) return userExists(id);
      const user = state.createUser({ id, email, profile, madeBy: "sso" });
      return { status: 200, body: show(user) };
    },

    update({ id, body }) {
      const user = users.find(id);
      if (!user) return userNotFound(id);
      const given = UserUpdate.safeParse(body);
      if (!given.success) return ssoError(400, "Update user failed: a field is not valid.");
      const { status, email = user.email, ...profile } = given.data;
      user.email = email;
      user.profile = { ...user.profile, ...profile };
      if (status) user.isDisabled = status === "DISABLED";
      // MX's sample of this answer has an age and no birthday.
      const { birthday: _, ...shown } = show(user);
      return { status: 200, body: { ...shown, age: ageOf(user, clock) } };
    },

    delete({ id }) {
      if (deviates(settings, "user-delete-path")) return ssoFailure(404);
      const user = users.find(id);
      if (!user) return userNotFound(id);
      state.deleteUser(user, { keepMembers: deviates(settings, "members-outlive-users") });
      return { status: 204 };
    },
  };

  /** Every answer brings a fresh login token, and with it seven fresh URLs. */
  function show(user: SimulatedUser): Record<string, unknown> {
    const ticket = state.issueTicket({ userGuid: user.guid, widgetTypes: SSO_WIDGET_TYPES });
    return showUser(user, ticket, options);
  }
}

const SSO_WIDGET_TYPES = [
  "master_widget",
  "accounts_widget",
  "budgets_widget",
  "debts_widget",
  "net_worth_widget",
  "spending_widget",
  "transactions_widget",
];

const ZIP_CODE = /^(\d{5}(-\d{4})?|[A-Za-z]\d[A-Za-z] \d[A-Za-z]\d)$/;

const UserFields = z.object({
  email: z.string().optional(),
  first_name: z.string().optional(),
  last_name: z.string().optional(),
  phone: z.string().optional(),
  birthdate: z.iso.date().optional(),
  sex: z.enum(["MALE", "FEMALE"]).optional(),
  credit_score: z.int().optional(),
  zip_code: z.string().regex(ZIP_CODE).optional(),
});

/** Older integrations could omit the id; this one is new. */
const NewUser = UserFields.extend({ external_user_guid: z.string().optional() });
const UserUpdate = UserFields.extend({ status: z.enum(["ENABLED", "DISABLED"]).optional() });

/** The token is called `login_token` as in the reference; the guide calls it `user_token`. */
function showUser(
  user: SimulatedUser,
  ticket: WidgetTicket,
  options: SsoUsersOptions,
): Record<string, unknown> {
  const { profile } = user;
  const urls = ticket.widgetTypes.map((type) => [
    `${type}_url`,
    options.widgetOrigin + widgetPath(type, ticket.token),
  ]);
  return {
    guid: user.guid,
    external_guid: user.id,
    external_user_guid: user.id,
    client_guid: options.credentials.clientGuid,
    email: user.email,
    login_token: ticket.token,
    first_name: profile.first_name ?? null,
    last_name: profile.last_name ?? null,
    phone: profile.phone ?? null,
    birthday: profile.birthdate ?? null,
    sex: profile.sex ? SEX_NUMBERS[profile.sex] : null,
    credit_score: profile.credit_score ?? null,
    zip_code: showZipCode(profile.zip_code),
    ...Object.fromEntries(urls),
    status: user.isDisabled && !hidesDisabled(options) ? DISABLED : ENABLED,
  };
}

function hidesDisabled({ settings }: SsoUsersOptions): boolean {
  return deviates(settings, "disabled-not-shown");
}

const SEX_NUMBERS = { MALE: 0, FEMALE: 1 };

/** MX's samples show no disabled User: the number is assumed. */
const DISABLED = { status: 2, name: "DISABLED", message: "" };
const ENABLED = { status: 1, name: "ENABLED", message: "" };

/** A number in MX's samples, so that 02139 comes back as 2139 (the loss is assumed). */
function showZipCode(zipCode: string | undefined): string | number | null {
  if (zipCode === undefined) return null;
  return /^\d+$/.test(zipCode) ? Number(zipCode) : zipCode;
}

function dayOf(clock: Clock): string {
  return new Date(clock.now()).toISOString().slice(0, 10);
}

function ageOf({ profile }: SimulatedUser, clock: Clock): number | null {
  if (profile.birthdate === undefined) return null;
  const today = dayOf(clock);
  const years = Number(today.slice(0, 4)) - Number(profile.birthdate.slice(0, 4));
  return today.slice(5) < profile.birthdate.slice(5) ? years - 1 : years;
}
