/**
 * For a container's HEALTHCHECK, which has no shell and no curl: exits with 0 while the service is alive.
 *
 * Source: Docker, Dockerfile reference, HEALTHCHECK.
 */

import { get } from "node:http";

const { HOST, OPERATIONS_PORT } = process.env;
const isAnywhere = !HOST || HOST === "0.0.0.0" || HOST === "::";

const request = get(
  {
    host: isAnywhere ? "127.0.0.1" : HOST,
    port: Number(OPERATIONS_PORT || 9090),
    path: "/livez",
    timeout: 2000,
  },
  (response) => process.exit(response.statusCode === 200 ? 0 : 1),
);
request.once("timeout", () => process.exit(1));
request.once("error", () => process.exit(1));
