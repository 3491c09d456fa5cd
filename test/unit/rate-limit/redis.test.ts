import { describe, expect, it } from "vitest";
import { toRedisProblem } from "../../../src/rate-limit/redis.ts";

const coded = (code: string) => Object.assign(new Error("canary"), { code });

describe("an error of Redis", () => {
  it.each([
    ["LOADING Redis is loading the dataset in memory", "loading"],
    ["OOM command not allowed when used memory > 'maxmemory'.", "out_of_memory"],
    [
      "ERR Error running script (call to f_1): @user_script:1: OOM command not allowed",
      "out_of_memory",
    ],
    [
      "READONLY You can't write against a read only replica. script: 9f, on @user_script:1.",
      "read_only",
    ],
    ["MISCONF Redis is configured to save RDB snapshots", "cannot_persist"],
    ["NOPERM this user has no permissions to run the 'evalsha' command", "not_permitted"],
    ["NOPERM No permissions to access a key", "not_permitted"],
    ["WRONGPASS invalid username-password pair or user is disabled.", "credentials_refused"],
    ["NOAUTH Authentication required.", "credentials_refused"],
    ["ERR invalid password", "credentials_refused"],
    ["MOVED 866 127.0.0.1:7001", "wrong_mode"],
    ["ERR This instance has cluster support disabled", "wrong_mode"],
    [
      "ERR unknown command `sentinel`, with args beginning with: `get-master-addr-by-name`",
      "wrong_mode",
    ],
    ["ERR unknown command 'evalsha', with args beginning with:", "wrong_mode"],
    ["All sentinels are unreachable. Retrying from scratch after 10ms.", "unknown_master"],
    [
      "All sentinels are unreachable. Retrying from scratch after 10ms. Last error: ERR No such master with that name",
      "unknown_master",
    ],
    [
      "All sentinels are unreachable. Retrying from scratch after 10ms. Last error: connect ECONNREFUSED 127.0.0.1:1",
      "unreachable",
    ],
    [
      "All sentinels are unreachable. Retrying from scratch after 10ms. Last error: ERR unknown command 'sentinel'",
      "wrong_mode",
    ],
    ["CLUSTERDOWN Hash slot not served", "cluster_down"],
    [
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      "cluster_down",
    ],
    ["Too many Cluster redirections. Last error: CLUSTERDOWN", "cluster_down"],
    ["Command timed out", "timeout"],
    ["ERR something of tomorrow", undefined],
  ])("%s is %s", (message, problem) => {
    expect(toRedisProblem(new Error(message))).toBe(problem);
  });

  it.each([
    ["ECONNREFUSED", "unreachable"],
    ["ENOTFOUND", "unreachable"],
    ["ENOENT", "unreachable"],
    ["CERT_HAS_EXPIRED", "tls_error"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "tls_error"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls_error"],
  ])("%s of the connection is %s", (code, problem) => {
    expect(toRedisProblem(coded(code))).toBe(problem);
  });

  it("of a cluster is that of its last node", () => {
    const error = Object.assign(new Error("Failed to refresh slots cache."), {
      lastNodeError: new Error("ERR This instance has cluster support disabled"),
    });
    expect(toRedisProblem(error)).toBe("wrong_mode");
  });

  it("is nothing of what is no error", () => {
    expect(toRedisProblem("READONLY")).toBeUndefined();
  });
});
