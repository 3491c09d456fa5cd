/** The calls of MX's APIs that the simulator answers, named `<api>.<what it does>`. */

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
  "sso_v3.request_widget_url",
  "mdx.create_user",
  "mdx.read_user",
  "mdx.update_user",
  "mdx.delete_user",
  "mdx.create_member",
  "mdx.read_member",
  "mdx.update_member",
  "mdx.delete_member",
] as const;

export type Operation = (typeof OPERATIONS)[number];
