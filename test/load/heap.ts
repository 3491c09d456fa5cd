/**
 * The live heap of a process: what is left after a full collection, through the inspector.
 *
 * Source: Chrome DevTools Protocol, `HeapProfiler.collectGarbage` and `Runtime.getHeapUsage`.
 */

/** In bytes. Costs the process a pause, so ask only while nothing is measured. */
export async function readLiveHeapBytes(inspectorUrl: string): Promise<number> {
  const socket = new WebSocket(inspectorUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("the inspector does not answer"));
  });
  try {
    await call(socket, 1, "HeapProfiler.collectGarbage");
    await call(socket, 2, "HeapProfiler.collectGarbage"); // What the first made unreachable by finalizers.
    const { usedSize } = await call(socket, 3, "Runtime.getHeapUsage");
    return Number(usedSize);
  } finally {
    socket.close();
  }
}

function call(socket: WebSocket, id: number, method: string): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data));
      if (message.id === id) resolve(message.result);
    };
    socket.send(JSON.stringify({ id, method }));
  });
}
