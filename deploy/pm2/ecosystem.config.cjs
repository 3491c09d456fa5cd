/** For PM2 in cluster mode: `pm2 start ecosystem.config.cjs`. docs/platforms/pm2.md explains it. */

"use strict";

module.exports = {
  apps: [
    {
      name: "mx-session-bff",
      script: "node_modules/mx-session-bff/dist/main.js",
      exec_mode: "cluster",
      instances: 2,
      node_args:
        "--env-file-if-exists=.env --disable-proto=delete --disable-sigusr1 --report-exclude-env --max-semi-space-size=16",
      env: { NODE_ENV: "production", OPERATIONS_PORT: "9090", DRAIN_DELAY: "1s" },
      // Each process has metrics of its own: 9090, 9091, …
      increment_var: "OPERATIONS_PORT",
      // DRAIN_DELAY (1 s), then REQUEST_DEADLINE (8 s), then room.
      kill_timeout: 15_000,
      // PM2's own metrics would listen to the requests to MX.
      pmx: false,
      // Standard output is one JSON line per event already.
      merge_logs: true,
    },
  ],
};
