/**
 * The live heap of a process: what is left after a full collection, through the inspector.
 *
 * Source: Chrome DevTools Protocol, `HeapProfiler.collectGarbage` and `Runtime.getHeapUsage`.
 */

import { connectInspector } from "./inspector.ts";

/** In bytes. Costs the process a pause, so ask only while nothing is measured. */
export async function readLiveHeapBytes(inspectorUrl: string): Promise<number> {
  using inspector = await connectInspector(inspectorUrl);
  await inspector.call("HeapProfiler.collectGarbage");
  await inspector.call("HeapProfiler.collectGarbage"); // What the first made unreachable by finalizers.
  const { usedSize } = await inspector.call("Runtime.getHeapUsage");
  return Number(usedSize);
}
