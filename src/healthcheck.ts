/**
 * For a container's HEALTHCHECK, which has no shell and no curl: exits with 0 while the service is alive.
 *
 * Source: Docker, Dockerfile reference, HEALTHCHECK.
 */

const { get } = process.getBuiltinModule("node:http"); // Sooner than an `import`: http/server.ts.
const { HOST, OPERATIONS_PORT } = process.env;
const listensEverywhere = !HOST || HOST === "0.0.0.0" || HOST === "::";
const hosts = listensEverywhere ? ["127.0.0.1", "::1"] : [HOST];

for (const host of hosts) if (await isAlive(host)) process.exit(0);
process.exit(1);

function isAlive(host: string): Promise<boolean> {
  const port = Number(OPERATIONS_PORT || 9090);
  return new Promise((resolve) => {
    const request = get({ host, port, path: "/livez", timeout: 2000 }, (response) =>
      resolve(response.statusCode === 200),
    );
    request.once("timeout", () => resolve(false));
    request.once("error", () => resolve(false));
  });
}
