/** A node that is to be placed. */
interface Placed {
  readonly name: string;
  readonly zone: string;
  x: number;
  y: number;
}

/** A zone's place: its name stands above its cells. */
export interface ZonePlace<N> {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  /** Row by row. */
  readonly nodes: readonly N[];
}

export interface Layout<N> {
  /** The edge of a cell with its gap, in pixels. */
  readonly cell: number;
  readonly zones: readonly ZonePlace<N>[];
}

/** Above the cells of a zone. */
export const ZONE_HEAD = 24;
/** Between zones. */
const GAP = 16;
const CELL_MAX = 160;
const CELL_MIN = 2;
/** How near to the largest cell that fits is near enough. */
const PRECISION = 0.25;

const byName = new Intl.Collator("en", { numeric: true }).compare;

/** Places all nodes into an area, zone by zone and by name, in the largest cells with which all fit. */
export function layOut<N extends Placed>(nodes: Iterable<N>, width: number, height: number): Layout<N> {
  const zones = Map.groupBy(nodes, ({ zone }) => zone);
  const names = [...zones.keys()].sort(byName);
  const sorted = names.map((name) => (zones.get(name) ?? []).sort((a, b) => byName(a.name, b.name)));
  let best = { cell: 0, across: 1 };
  for (let across = 1; across <= names.length; across++) {
    const cell = largestCell(
      sorted.map(({ length }) => length),
      across,
      width,
      height,
    );
    // Of cells as large, zones side by side.
    if (cell >= best.cell) best = { cell, across };
  }
  const cell = Math.max(best.cell, CELL_MIN);
  const { columns, zoneWidth } = columnsFor(cell, best.across, width);
  let y = 0;
  const places: ZonePlace<N>[] = [];
  for (let from = 0; from < names.length; from += best.across) {
    let tallest = 0;
    for (const [at, name] of names.slice(from, from + best.across).entries()) {
      const own = sorted[from + at] ?? [];
      const x = at * (zoneWidth + GAP);
      own.forEach((node, index) => {
        node.x = x + (index % columns) * cell;
        node.y = y + ZONE_HEAD + Math.floor(index / columns) * cell;
      });
      const rows = Math.ceil(own.length / columns);
      places.push({ name, x, y, width: Math.min(columns, own.length) * cell, height: ZONE_HEAD + rows * cell, columns, nodes: own });
      tallest = Math.max(tallest, rows * cell);
    }
    y += ZONE_HEAD + tallest + GAP;
  }
  return { cell, zones: places };
}

function columnsFor(cell: number, across: number, width: number): { readonly columns: number; readonly zoneWidth: number } {
  const zoneWidth = (width - GAP * (across - 1)) / across;
  return { columns: Math.max(1, Math.floor(zoneWidth / cell)), zoneWidth };
}

function largestCell(counts: readonly number[], across: number, width: number, height: number): number {
  let low = 0;
  let high = Math.min(CELL_MAX, columnsFor(CELL_MAX, across, width).zoneWidth);
  if (heightFor(counts, high, across, width) <= height) return high;
  while (high - low > PRECISION) {
    const middle = (low + high) / 2;
    if (heightFor(counts, middle, across, width) <= height) low = middle;
    else high = middle;
  }
  return low;
}

function heightFor(counts: readonly number[], cell: number, across: number, width: number): number {
  const { columns } = columnsFor(cell, across, width);
  let sum = -GAP;
  for (let from = 0; from < counts.length; from += across) {
    const most = Math.max(...counts.slice(from, from + across));
    sum += ZONE_HEAD + Math.ceil(most / columns) * cell + GAP;
  }
  return sum;
}

/** The node whose cell is at a point of the layout. */
export function nodeAt<N extends Placed>({ zones, cell }: Layout<N>, x: number, y: number): N | undefined {
  for (const zone of zones) {
    const column = Math.floor((x - zone.x) / cell);
    const row = Math.floor((y - zone.y - ZONE_HEAD) / cell);
    if (column < 0 || column >= zone.columns || row < 0 || y > zone.y + zone.height) continue;
    return zone.nodes[row * zone.columns + column];
  }
  return undefined;
}

export type Direction = "left" | "right" | "up" | "down";

/** The next node in a direction, across zones too; undefined at the edge. */
export function neighbour<N extends Placed>({ zones }: Layout<N>, from: N, direction: Direction): N | undefined {
  const isAcross = direction === "left" || direction === "right";
  const sign = direction === "left" || direction === "up" ? -1 : 1;
  let best: N | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const zone of zones) {
    for (const node of zone.nodes) {
      const along = sign * (isAcross ? node.x - from.x : node.y - from.y);
      const aside = Math.abs(isAcross ? node.y - from.y : node.x - from.x);
      if (along <= 0) continue;
      // What lies straight ahead is near, however far.
      const distance = along + aside * 4;
      if (distance < least) {
        least = distance;
        best = node;
      }
    }
  }
  return best;
}
