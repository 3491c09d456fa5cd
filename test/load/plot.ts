/**
 * Line charts as one SVG file, for light and dark pages.
 *
 * No script and no font of its own: it shows the same in a browser, an editor and on a code host.
 */

export type Series = {
  label: string;
  line: "strong" | "plain" | "faint";
  points: readonly (readonly [x: number, y: number])[];
};

export type Panel = {
  title: string;
  xLabel: string;
  yLabel: string;
  series: readonly Series[];
  /** A dashed line across. */
  limit?: { label: string; value: number };
  /** Where the y axis begins. Default: 0. */
  yMin?: number;
};

export type Plot = {
  title: string;
  /** For those who do not see it. */
  description: string;
  columns: number;
  panels: readonly Panel[];
};

const PANEL = { width: 460, height: 290 };
const INNER = { left: 64, right: 16, top: 62, bottom: 46 };
const TITLE_HEIGHT = 40;

const STYLE = `
  svg { color: #1f2328; background: #ffffff; font: 12px system-ui, sans-serif; }
  text { fill: currentColor; }
  .title { font-size: 16px; font-weight: 600; }
  .panel { font-size: 13px; font-weight: 600; }
  .axis { stroke: currentColor; stroke-opacity: 0.6; }
  .grid { stroke: currentColor; stroke-opacity: 0.14; }
  .line { fill: none; stroke-linejoin: round; }
  .strong { stroke: #0b6e4f; stroke-width: 2.2; }
  .plain { stroke: #b3541e; stroke-width: 1.4; }
  .faint { stroke: #57606a; stroke-width: 1.2; }
  .limit { stroke: currentColor; stroke-dasharray: 5 4; }
  @media (prefers-color-scheme: dark) {
    svg { color: #e6edf3; background: #0d1117; }
    .strong { stroke: #56d4a0; }
    .plain { stroke: #f0945a; }
    .faint { stroke: #9aa4af; }
  }
`;

export function toSvg({ title, description, columns, panels }: Plot): string {
  const width = columns * PANEL.width;
  const height = TITLE_HEIGHT + Math.ceil(panels.length / columns) * PANEL.height;
  const drawn = panels.map((panel, index) => {
    const x = (index % columns) * PANEL.width;
    const y = TITLE_HEIGHT + Math.floor(index / columns) * PANEL.height;
    return `<g transform="translate(${x} ${y})">${drawPanel(panel)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escapeXml(title)}</title>
<desc>${escapeXml(description)}</desc>
<style>${STYLE}</style>
${text(16, 26, title, 'class="title"')}
${drawn.join("\n")}
</svg>
`;
}

function drawPanel({ title, xLabel, yLabel, series, limit, yMin = 0 }: Panel): string {
  const points = series.flatMap((each) => each.points);
  const xTicks = toTicks(0, Math.max(1, ...points.map(([x]) => x)));
  const yTicks = toTicks(yMin, Math.max(1, limit?.value ?? 0, ...points.map(([, y]) => y)));
  const toX = createScale(xTicks, INNER.left, PANEL.width - INNER.right);
  const toY = createScale(yTicks, PANEL.height - INNER.bottom, INNER.top);
  const [left, right] = [INNER.left, PANEL.width - INNER.right];
  const [top, bottom] = [INNER.top, PANEL.height - INNER.bottom];
  const middle = (top + bottom) / 2;

  return [
    text(left, 18, title, 'class="panel"'),
    ...drawLegend(series, limit?.label, left, 40),
    ...yTicks.flatMap((tick) => [
      line(left, toY(tick), right, toY(tick), "grid"),
      text(left - 6, toY(tick) + 4, format(tick), 'text-anchor="end"'),
    ]),
    ...xTicks.map((tick) => text(toX(tick), bottom + 16, format(tick), 'text-anchor="middle"')),
    line(left, bottom, right, bottom, "axis"),
    line(left, top, left, bottom, "axis"),
    text((left + right) / 2, bottom + 36, xLabel, 'text-anchor="middle"'),
    text(14, middle, yLabel, `text-anchor="middle" transform="rotate(-90 14 ${middle})"`),
    ...series.map((each) => drawSeries(each, toX, toY)),
    ...(limit ? [line(left, toY(limit.value), right, toY(limit.value), "limit")] : []),
  ].join("\n");
}

function drawSeries(
  series: Series,
  toX: (x: number) => number,
  toY: (y: number) => number,
): string {
  const points = series.points.map(([x, y]) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`);
  return `<polyline class="line ${series.line}" points="${points.join(" ")}"/>`;
}

function drawLegend(
  series: readonly Series[],
  limitLabel: string | undefined,
  left: number,
  y: number,
): string[] {
  const entries = [
    ...series.map((each) => ({ label: each.label, style: `line ${each.line}` })),
    ...(limitLabel === undefined ? [] : [{ label: limitLabel, style: "limit" }]),
  ];
  let x = left;
  return entries.flatMap(({ label, style }) => {
    const start = x;
    x += 40 + 6.8 * label.length;
    return [line(start, y - 4, start + 18, y - 4, style), text(start + 23, y, label)];
  });
}

/** About five round steps that span at least from `min` to `max`. */
function toTicks(min: number, max: number): number[] {
  const rough = Math.max(max - min, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const from = Math.floor(min / step);
  const count = Math.ceil(max / step - 1e-9) - from;
  return Array.from({ length: count + 1 }, (_, index) => (from + index) * step);
}

function createScale(
  ticks: readonly number[],
  from: number,
  to: number,
): (value: number) => number {
  const [min, max] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  return (value) => from + ((value - min) / (max - min)) * (to - from);
}

function line(x1: number, y1: number, x2: number, y2: number, style: string): string {
  return `<line class="${style}" x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"/>`;
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeXml(content)}</text>`;
}

function format(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

function escapeXml(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
