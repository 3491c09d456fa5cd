/** The calls of MX's two APIs that the simulator answers, named `<api>.<what it does>`. */

export const OPERATIONS = [
  "sso.read_user",
  "sso.create_user",
  "sso.update_user",
  "sso.delete_user",
  "sso.read_member",
  "sso.create_member",
  "sso.update_member",
  "sso.delete_member",
  "platform.create_user",
  "platform.list_users",
  "platform.read_user",
  "platform.update_user",
  "platform.delete_user",
  "platform.request_widget_url",
] as const;

export type Operation = (typeof OPERATIONS)[number];
