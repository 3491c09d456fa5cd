/** The port that the README names, or any free one where something else has it. */

import { once } from "node:events";
import { createServer } from "node:net";

export async function pickPort(preferred: number): Promise<number> {
  const server = createServer();
  server.listen(preferred, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return preferred === 0 ? 0 : pickPort(0);
  }
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}
