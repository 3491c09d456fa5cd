/**
 * A part of the rig in a process of its own, asked over Node's channel between parent and child.
 */

import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startChild } from "../support/child.ts";

export type Worker<Request, Reply> = AsyncDisposable & {
  pid: number;
  ask(request: Request): Promise<Reply>;
};

type Question<Request> = { id: number; request: Request };
type Response<Reply> = { id: number; reply: Reply } | { id: number; error: string };

/** Starts `file`, which has to call `serveParent`. */
export function startWorker<Request, Reply>(
  file: URL,
  cpus: string | undefined,
): Worker<Request, Reply> {
  const stdio = ["ignore", "inherit", "inherit", "ipc"] as const;
  const child = startChild(process.execPath, [fileURLToPath(file)], { cpus, stdio: [...stdio] });
  const waiting = new Map<number, PromiseWithResolvers<Reply>>();
  let lastId = 0;

  child.on("message", (message) => {
    const response = message as Response<Reply>;
    const asked = waiting.get(response.id);
    waiting.delete(response.id);
    if ("error" in response) asked?.reject(new Error(response.error));
    else asked?.resolve(response.reply);
  });
  child.once("exit", (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file.pathname} ended: ${code}`));
  });

  return {
    pid: child.pid ?? 0,
    ask(request) {
      const asked = Promise.withResolvers<Reply>();
      lastId += 1;
      waiting.set(lastId, asked);
      child.send({ id: lastId, request } satisfies Question<Request>);
      return asked.promise;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || !child.connected) return;
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

/** The worker's side: answers each request with what `answer` gives, and ends with its parent. */
export function serveParent<Request, Reply>(answer: (request: Request) => Promise<Reply>): void {
  process.on("message", async (message) => {
    const { id, request } = message as Question<Request>;
    const response: Response<Reply> = await answer(request).then(
      (reply) => ({ id, reply }),
      (error: unknown) => ({ id, error: String(error) }),
    );
    process.send?.(response);
  });
  process.once("disconnect", () => process.exit());
}
