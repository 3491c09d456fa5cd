/** Variables of the process: tenants file, way out, server, log, limits. */

import * as secrets from "../secret-values.ts";
import * as url from "../url-values.ts";
import * as v from "../values.ts";
import { ofProcess } from "./row.ts";

export const TENANTS = ofProcess({
  TENANTS_FILE: {
    schema: v.path,
    description:
      "JSON file with several tenants, each with its own login, user ids, MX client, widgets and origins. Set the variables of a tenant there, under the same names, and not here. See docs/tenants.md.",
  },
});

export const EGRESS = ofProcess({
  HTTPS_PROXY: {
    schema: url.proxy,
    secret: true,
    alias: "https_proxy",
    description:
      "Forward proxy for https upstreams (CONNECT), with user name and password if it needs them. `https_proxy` is read too.",
  },
  NO_PROXY: {
    schema: url.noProxy,
    alias: "no_proxy",
    default: "",
    description:
      "Hosts that are reached without the proxy: `host` and `.domain` (with everything below), `*.domain` (only below), addresses, networks such as `10.0.0.0/8`, `host:port`, or `*`. `no_proxy` is read too.",
  },
  ALLOW_HTTP_HOSTS: {
    schema: url.httpHosts,
    default: "",
    description:
      "Exact host names inside your cluster that may be called over plain http, for service meshes and compose networks: `keycloak` (any port) or `keycloak:8080`. A name must have no dot, or end in `.svc`, `.cluster.local`, `.internal` or `.local`. Applies to your own systems (issuer, keys, introspection, session check, lookup), never to MX. Everything that is sent there is unencrypted.",
  },
  CONNECTION_MAX_AGE: {
    schema: v.duration(1000, 3_600_000),
    default: "60s",
    description:
      "Maximum age of a connection to MX or to your own systems. Shortly before it is reached, the service resolves the host name again and opens a new connection, so it follows an upstream that moves to another address.",
  },
});

export const SERVER = ofProcess({
  HOST: {
    schema: v.text,
    description:
      "Address to listen on. If it is not set, the service listens on all IPv6 and IPv4 addresses, or only on IPv4 if there is no IPv6.",
  },
  PORT: {
    schema: v.port,
    default: "3000",
    description: "Public port.",
  },
  OPERATIONS_PORT: {
    schema: v.port,
    default: "9090",
    description: "Port for `/livez`, `/readyz`, `/metrics` and `/docs`. Do not expose it.",
  },
  TLS_CERT_FILE: {
    schema: v.path,
    description:
      "Certificate of the public port, in PEM format: the service's own certificate first, then the intermediate certificates. With it, the public port accepts only https, with TLS 1.2 or newer. Needs `TLS_KEY_FILE`. A new pair is used within 30 seconds, without a restart. The operations port stays http.",
  },
  TLS_KEY_FILE: {
    schema: v.path,
    description: "Private key of `TLS_CERT_FILE`, in PEM format, without a passphrase.",
  },
  LOG_LEVEL: {
    schema: v.choice(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    default: "info",
    description: "The lowest level that is logged.",
  },
  BASE_PATH: {
    schema: url.basePath,
    description:
      "Path in front of all public routes, such as `/mx`, for load balancers that route by path and cannot strip it. `/livez` and `/readyz` answer with and without it.",
  },
  KEEP_ALIVE_TIMEOUT: {
    schema: v.duration(1000, 3_600_000),
    default: "65s",
    description:
      "How long an idle connection stays open. It must be longer than the load balancer's idle timeout. docs/operations.md has a table.",
  },
  CORS_ORIGINS: {
    schema: url.pageOrigins,
    scope: "tenant",
    default: "",
    description:
      "Exact origins of pages that may call from a browser, such as `https://app.example.com`. Pages on the service's own origin need no entry. Origins of apps, such as `capacitor://localhost`, can be listed too, but a login by cookie is refused from there.",
  },
  TRUSTED_PROXIES: {
    schema: v.proxies,
    default: "none",
    description:
      "Proxies in front of the service whose `X-Forwarded-For` is trusted: their number, or addresses and networks such as `10.0.0.0/8`. The limits by address and the audit log use the address that they report.",
  },
  HSTS_MAX_AGE: {
    schema: v.count(0, 999_999_999),
    description:
      "Seconds for which browsers use only https for this host (`Strict-Transport-Security`, without `includeSubDomains`). If it is not set, the header is not sent, because the proxy that ends TLS usually sends it.",
  },
  HOSTED_NAME: {
    schema: v.textUpTo(60),
    description:
      "Your name as your users know it, such as `Example Bank`. It enables `/hosted`, a page for phones with which an app can show a widget without WebView code: see docs/guides/ios.md, docs/guides/android.md and docs/guides/react-native.md. The page shows this name. It goes back only to links in `CLIENT_REDIRECT_URLS`, which anyone can read in it, and frames only `WIDGET_URL_ORIGINS` or MX's own hosts. If there are several tenants, the page has one name and the links of all of them.",
  },
  PUBLIC_DOCS: {
    schema: v.flag,
    default: "true",
    description:
      "Whether the public port serves the API contract, at `/openapi.yaml` and `/docs`. The operations port always does.",
  },
  INSTANCE_SECRET: {
    schema: secrets.strongSecret,
    secret: true,
    description:
      "Secret of this deployment, the same in all replicas, at least 32 characters. `openssl rand -base64 48` makes one. The users' pseudonyms in the log (`user.hash`) and the rate limits in Redis depend on it. Without it, both depend on MX's client ids: a new MX key does not change them, but adding or removing a tenant does.",
  },
  AUDIT_KEY: {
    schema: secrets.strongSecret,
    secret: true,
    description:
      "Key of the users' pseudonyms in the log (`user.hash`), at least 32 characters. Set it if you want to look up users in the log. Without it, the key is derived from `INSTANCE_SECRET`. See docs/observability.md.",
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: url.collector,
    description:
      "An OpenTelemetry collector that accepts OTLP over HTTP, such as `http://otel-collector:4318`. Spans are sent to `/v1/traces` below it. If it is not set, nothing is recorded. docs/observability.md lists OpenTelemetry's other variables.",
  },
  TRACE_PROPAGATION: {
    schema: v.flag,
    default: "false",
    description:
      "Whether the service sends `traceparent` to MX and to your own systems. This has an effect only if tracing is on.",
  },
  ALLOW_PRELOADS: {
    schema: v.flag,
    default: "false",
    description:
      "Whether the service starts with the SSO API even if an instrumentation that listens to its requests was loaded first, such as an APM agent in `NODE_OPTIONS`. The SSO API takes its key in the URL, so such an agent records the key. Without the SSO API, the service starts anyway, with a warning.",
  },
});

export const LIMITS = ofProcess({
  REQUEST_DEADLINE: {
    schema: v.duration(1000, 60_000),
    default: "8s",
    description:
      "Time limit of a whole request. Connecting to an upstream may take a third of it (but always at least 1s), and one attempt half of it (but always at least 3s).",
  },
  MAX_IN_FLIGHT: {
    schema: v.count(1, 100_000),
    default: "200",
    description:
      "The maximum number of requests in flight per replica. Further requests get 503 at once.",
  },
  DRAIN_DELAY: {
    schema: v.duration(0, 60_000),
    default: "5s",
    description:
      "How long the service continues to serve requests after SIGTERM, so that the load balancer can notice.",
  },
  RATE_LIMIT_USER: {
    schema: v.rate,
    default: "60/1m",
    description: "The maximum rate of sessions per user.",
  },
  RATE_LIMIT_ADDRESS: {
    schema: v.rate,
    default: "off",
    description:
      "The maximum rate of requests per address (IPv6 by /64). Behind a load balancer, set `TRUSTED_PROXIES` first. Otherwise all callers count as one.",
  },
  RATE_LIMIT_FAILURES: {
    schema: v.rate,
    default: "off",
    description:
      "The maximum rate of failed logins per address. Behind a load balancer, set `TRUSTED_PROXIES` first.",
  },
  REDIS_URL: {
    schema: url.redisUrl,
    secret: true,
    description:
      "Redis or Valkey. It counts the rate limits of all replicas together: `redis://host:6379`, `rediss://` for TLS, `redis://user:password@host:6379/1` with an ACL user and a database, or `unix:///run/redis.sock`. Separate several nodes or sentinels by commas, and set `REDIS_MODE`. Without Redis, or while it does not answer, each replica counts on its own.",
  },
  REDIS_MODE: {
    schema: v.choice(["single", "cluster", "sentinel"]),
    default: "single",
    description:
      "`single`: one server. `cluster`: `REDIS_URL` lists some nodes of a Redis Cluster. `sentinel`: it lists the sentinels, `redis://:password@s1:26379,redis://:password@s2:26379`; sentinels receive only the password, and the servers receive user name and password.",
  },
  REDIS_SENTINEL_MASTER: {
    schema: url.masterName,
    description: "With `sentinel`: the sentinels' name for the primary.",
  },
  REDIS_TIMEOUT: {
    schema: v.duration(10, 2000),
    default: "100ms",
    description:
      "Time limit of a command to Redis. When it is over, the replica counts on its own. It may be at most a tenth of `REQUEST_DEADLINE`.",
  },
});
