/** Node's inspector, asked from another process. Source: Chrome DevTools Protocol. */

export type Inspector = Disposable & {
  call(method: string, params?: object): Promise<Record<string, unknown>>;
};

export async function connectInspector(url: string): Promise<Inspector> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, (result: Record<string, unknown>) => void>();
  let lastId = 0;
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("the inspector does not answer"));
  });
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data));
    waiting.get(id)?.(result);
    waiting.delete(id);
  };

  return {
    call(method, params = {}) {
      lastId += 1;
      const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>();
      waiting.set(lastId, resolve);
      socket.send(JSON.stringify({ id: lastId, method, params }));
      return promise;
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
