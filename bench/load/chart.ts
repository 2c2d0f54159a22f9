/** One line of a chart; points by time. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [at_ms: number, value: number])[];
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
  /** A level that is not to be passed. */
  readonly limit?: number;
}

const WIDTH = 860;
const HEIGHT = 260;
const LEFT = 64;
const RIGHT = 16;
const TOP = 12;
const BOTTOM = 28;
const GRID_LINES = 4;
const COLOURS = ["#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#bf3989", "#57606a", "#0a7ea4"];
const MS_PER_S = 1_000;

/** A chart as SVG, with its legend; everything on the page itself. `from_ms` to `to_ms` is its width. */
export function chartSvg({ title, unit, lines, limit }: Chart, from_ms: number, to_ms: number): string {
  const shown = lines.filter(({ points }) => points.length > 0);
  const most = Math.max(1e-9, limit ?? 0, ...shown.flatMap(({ points }) => points.map(([, value]) => value)));
  const x = (at_ms: number): number => LEFT + ((at_ms - from_ms) / Math.max(1, to_ms - from_ms)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM);
  const grid = Array.from({ length: GRID_LINES + 1 }, (_, index) => {
    const value = (most * index) / GRID_LINES;
    const seconds = ((to_ms - from_ms) * index) / GRID_LINES / MS_PER_S;
    return `<path class="g" d="M${LEFT} ${y(value).toFixed(1)}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${short(value)}</text><text x="${x(from_ms + seconds * MS_PER_S).toFixed(1)}" y="${HEIGHT - 8}" text-anchor="middle">${short(seconds)} s</text>`;
  });
  const paths = shown.map(({ points }, index) => {
    const d = points.map(([at_ms, value], i) => `${i === 0 ? "M" : "L"}${x(at_ms).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    return `<path d="${d}" fill="none" stroke="${colourOf(index)}" stroke-width="1.5"/>`;
  });
  const bound = limit === undefined ? "" : `<path class="l" d="M${LEFT} ${y(limit).toFixed(1)}H${WIDTH - RIGHT}"/>`;
  const legend = shown.map(({ name }, index) => `<span><i style="background:${colourOf(index)}"></i>${escaped(name)}</span>`);
  const limited = limit === undefined ? "" : `<span class="limit">dashed: ${short(limit)} ${escaped(unit)}</span>`;
  return `<figure><figcaption>${escaped(title)} (${escaped(unit)})</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">${grid.join("")}${paths.join("")}${bound}</svg><div class="legend">${legend.join("")}${limited}</div></figure>`;
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? "#000";
}

function short(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}
