/**
 * Settings that more than one room uses. `config` builds them; `auth` and `rate-limit` use them as they are.
 */

import type { Secret } from "../secret.ts";

/** Where an issuer's public keys come from. */
export type KeySource =
  /** It may lead to these hosts over plain http. */
  | { kind: "discovery"; httpHosts: readonly string[] }
  | { kind: "url"; url: URL }
  | { kind: "file"; path: string };

/** The claim that a tenant's tokens have, compared by type and value. */
export type ClaimRule = Readonly<{ name: string; value: string | number }>;

export type RateLimit = { events: number; windowMs: number };

/** Redis or Valkey, where replicas count together. */
export type RedisSettings = Readonly<{
  mode: "single" | "cluster" | "sentinel";
  /** The server, some nodes of the cluster, or the sentinels. Empty for a socket. */
  nodes: readonly Readonly<{ host: string; port: number }>[];
  /** Path of a Unix socket. */
  socket: string | undefined;
  isTls: boolean;
  username: string | undefined;
  password: Secret | undefined;
  database: number;
  /** The name by which the sentinels know the primary. */
  sentinelMaster: string | undefined;
  /** For one count. */
  timeoutMs: number;
}>;

/** Why Redis does not count at the moment. */
export type RedisProblem =
  | "unreachable"
  | "timeout"
  | "credentials_refused"
  | "not_permitted"
  | "wrong_mode"
  | "unknown_master"
  | "unknown_database"
  | "too_many_clients"
  | "loading"
  | "out_of_memory"
  | "read_only"
  | "cannot_persist"
  | "cluster_down"
  | "tls_error"
  | "unexpected_answer";
