/**
 * A CPU profile of the service under load, as a table of who spends the time and as a flame graph.
 *
 * Source: Chrome DevTools Protocol, `Profiler.Profile`.
 */

import { connectInspector } from "../test/load/inspector.ts";

export type Profile = {
  nodes: readonly ProfileNode[];
  /** Ids of nodes, and the microseconds before each. */
  samples: readonly number[];
  timeDeltas: readonly number[];
};

export type ProfileNode = {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: readonly number[];
};

export type Share = { owner: string; share: number };

const INTERVAL_MICROS = 200;
/** What happens when nobody calls: not work of the service. */
const NOT_WORK = new Set(["(idle)", "(root)"]);

/** Profiles while `work` runs. */
export async function recordProfile(
  inspectorUrl: string,
  work: () => Promise<unknown>,
): Promise<Profile> {
  using inspector = await connectInspector(inspectorUrl);
  await inspector.call("Profiler.enable");
  await inspector.call("Profiler.setSamplingInterval", { interval: INTERVAL_MICROS });
  await inspector.call("Profiler.start");
  await work();
  const { profile } = await inspector.call("Profiler.stop");
  return profile as Profile;
}

/** Whose code caused the work: Node's own functions count for whoever called them. Largest first. */
export function toShares(profile: Profile): Share[] {
  const byOwner = new Map<string, number>();
  let total = 0;
  forEachStack(profile, (stack, micros) => {
    const owner = stack.map(toOwner).findLast((each) => each !== undefined) ?? "Node.js itself";
    byOwner.set(owner, (byOwner.get(owner) ?? 0) + micros);
    total += micros;
  });
  return [...byOwner]
    .map(([owner, micros]) => ({ owner, share: micros / total }))
    .sort((a, b) => b.share - a.share);
}

/** From the outermost frame to the one that ran. */
function forEachStack(
  { nodes, samples, timeDeltas }: Profile,
  see: (stack: readonly ProfileNode[], micros: number) => void,
): void {
  const parents = new Map<number, ProfileNode>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
  const micros = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    micros.set(id, (micros.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  }
  for (const [id, spent] of micros) {
    const stack: ProfileNode[] = [];
    for (let node = byId.get(id); node; node = parents.get(node.id)) stack.unshift(node);
    if (!NOT_WORK.has(stack.at(-1)?.callFrame.functionName ?? "")) see(stack, spent);
  }
}

/** A package or a file of ours; `undefined` for Node's own code. */
function toOwner({ callFrame: { url, functionName } }: ProfileNode): string | undefined {
  if (functionName === "(garbage collector)") return "garbage collector";
  const [, name] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (name) return name;
  return /\/(src\/[^?]+)$/.exec(url)?.[1];
}

type Frame = {
  name: string;
  kind: "own" | "package" | "node";
  micros: number;
  children: Map<string, Frame>;
};

const WIDTH = 1200;
const HEAD = 40;
const ROW = 16;
const LETTER = 6;
const MIN_WIDTH = 1;

const STYLE = `
  svg { color: #1f2328; background: #ffffff; font: 11px system-ui, sans-serif; }
  text { fill: #1f2328; pointer-events: none; }
  .heading { font-size: 15px; font-weight: 600; fill: currentColor; }
  .own { fill: #56d4a0; } .package { fill: #f0b47a; } .node { fill: #c9d1d9; }
  rect { stroke: #ffffff; stroke-width: 0.5; }
  @media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #0d1117; } rect { stroke: #0d1117; } }
`;

/** Width is time on the main thread; green is this project's code, orange a package's, grey Node's own. */
export function toFlameGraph(profile: Profile, title: string): string {
  const root: Frame = { name: "all", kind: "node", micros: 0, children: new Map() };
  forEachStack(profile, (stack, micros) => {
    root.micros += micros;
    let frame = root;
    for (const node of stack.slice(1)) {
      frame = childOf(frame, node);
      frame.micros += micros;
    }
  });
  const boxes = draw(root, { x: 0, row: 0, scale: WIDTH / root.micros });
  const rows = 1 + boxes.reduce((deepest, { row }) => Math.max(deepest, row), 0);
  const height = HEAD + rows * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
<text x="8" y="24" class="heading">${escapeXml(title)}</text>
${boxes.map(({ svg }) => svg).join("\n")}
</svg>
`;
}

function childOf(parent: Frame, node: ProfileNode): Frame {
  const { functionName, url, lineNumber } = node.callFrame;
  const file = url.replace(/^.*\/(?=src\/|node_modules\/)/, "").replace("node_modules/", "");
  const name = `${functionName || "(anonymous)"}${file && ` ${file}:${lineNumber + 1}`}`;
  const known = parent.children.get(name);
  if (known) return known;
  const owner = toOwner(node);
  const kind = owner === undefined ? "node" : owner.startsWith("src/") ? "own" : "package";
  const child: Frame = { name, kind, micros: 0, children: new Map() };
  parent.children.set(name, child);
  return child;
}

type Place = { x: number; row: number; scale: number };

/** What is narrower than a pixel is left out, and so is what stands on it. */
function draw(frame: Frame, { x, row, scale }: Place): { row: number; svg: string }[] {
  const width = frame.micros * scale;
  if (width < MIN_WIDTH) return [];
  const y = HEAD + row * ROW;
  const label = frame.name.slice(0, Math.floor(width / LETTER));
  const percent = ((100 * width) / WIDTH).toFixed(1);
  const svg = `<g><title>${escapeXml(frame.name)}: ${percent} %</title><rect class="${frame.kind}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW}"/>${label.length < 3 ? "" : `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${escapeXml(label)}</text>`}</g>`;
  let childX = x;
  const above = [...frame.children.values()]
    .sort((a, b) => b.micros - a.micros)
    .flatMap((child) => {
      const boxes = draw(child, { x: childX, row: row + 1, scale });
      childX += child.micros * scale;
      return boxes;
    });
  return [{ row, svg }, ...above];
}

function escapeXml(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
