import { count } from "../format.ts";
import { themes } from "../theme.ts";
import type { Camera } from "./camera.ts";
import { CellGrid } from "./cell-grid.ts";
import { CORDONED, NO_NETWORK, NOT_READY, PRESSURE } from "./feed-lines.ts";
import { type Layout, ZONE_HEAD } from "./layout.ts";
import type { MapNode } from "./model.ts";

/** Colours between those of the style sheet's ramp. */
const SHADES = 48;
const RAMP = ["--heat-0", "--heat-1", "--heat-2", "--heat-3", "--heat-4"] as const;
/** From this edge on a cell shows its pods, and from that on its name. */
const PODS_EDGE_MIN = 60;
const NAME_EDGE_MIN = 88;
/** Corners are round where there are so few cells to see that a frame has time for them, and from this edge on. */
const ROUND_CELLS_MAX = 800;
const ROUND_EDGE_MIN = 14;
const HEAD_FONT = 12;
const OPAQUE = 255;
/** A pod is drawn no larger, its gap included. */
const POD_EDGE_MAX = 18;

interface Colours {
  readonly shades: readonly string[];
  /** The same, as four bytes of a picture each. */
  readonly pixels: Uint32Array;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly page: string;
  readonly accent: string;
  readonly bad: string;
  readonly warn: string;
  readonly running: string;
  readonly sunk: string;
  readonly sans: string;
}

/** What is to be painted. */
export interface Scene {
  readonly layout: Layout<MapNode>;
  readonly camera: Camera;
  readonly hovered: MapNode | undefined;
  readonly selected: MapNode | undefined;
}

/**
 * Paints the map. While there are many cells to see, the cells of a zone are a picture with a pixel a node; what needs more than a square (rounded corners, pods,
 * names) appears when one is so near that there are few.
 */
export class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #colours: Colours = coloursNow();
  /** One for each zone. */
  readonly #grids: CellGrid[] = [];
  readonly #byShade: MapNode[][] = Array.from({ length: SHADES }, () => []);

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Error("this browser has no canvas");
    this.#canvas = canvas;
    this.#context = context;
  }

  /** After the theme has changed. */
  recolour(): void {
    this.#colours = coloursNow();
  }

  /** The colour of a use, 0 to 1. */
  shade(use: number): string {
    return this.#colours.shades[shadeAt(use)] ?? "";
  }

  resize(width: number, height: number): void {
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
  }

  paint(scene: Scene): void {
    const { camera, layout } = scene;
    const context = this.#context;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = this.#colours.page;
    context.fillRect(0, 0, camera.width, camera.height);
    this.#heads(scene);
    const edge = layout.cell * camera.scale;
    const { troubled, seen } = this.#sort(scene, edge);
    if (edge < ROUND_EDGE_MIN || seen > ROUND_CELLS_MAX) this.#squares(scene, edge);
    else this.#cells(scene, edge);
    for (const node of troubled) this.#trouble(scene, node, edge);
    if (edge >= PODS_EDGE_MIN) this.#insides(scene, edge);
    this.#ring(scene, scene.hovered, edge, this.#colours.text, 1.5);
    this.#ring(scene, scene.selected, edge, this.#colours.accent, 2.5);
  }

  /** Sorts what can be seen by colour; gives those with trouble, and how many there are in all. */
  #sort({ camera, layout }: Scene, edge: number): { readonly troubled: readonly MapNode[]; readonly seen: number } {
    for (const nodes of this.#byShade) nodes.length = 0;
    const troubled: MapNode[] = [];
    let seen = 0;
    for (const zone of layout.zones) {
      for (const node of zone.nodes) {
        const x = (node.x - camera.x) * camera.scale;
        const y = (node.y - camera.y) * camera.scale;
        if (x + edge < 0 || y + edge < 0 || x > camera.width || y > camera.height) continue;
        if (node.state !== 0) troubled.push(node);
        this.#byShade[shadeAt(node.shown)]?.push(node);
        seen++;
      }
    }
    return { troubled, seen };
  }

  #squares({ camera, layout }: Scene, edge: number): void {
    const { pixels, page } = this.#colours;
    const look = { edge, gap: gapOf(edge), page, colourOf: ({ shown }: MapNode): number => pixels[shadeAt(shown)] ?? 0 };
    for (const [at, zone] of layout.zones.entries()) {
      this.#grids[at] ??= new CellGrid();
      this.#grids[at].paint(this.#context, zone, camera, look);
    }
  }

  #cells({ camera }: Scene, edge: number): void {
    const context = this.#context;
    const gap = gapOf(edge);
    const size = edge - gap;
    const radius = radiusOf(edge);
    this.#byShade.forEach((nodes, shade) => {
      if (nodes.length === 0) return;
      context.fillStyle = this.#colours.shades[shade] ?? "";
      context.beginPath();
      for (const node of nodes)
        context.roundRect((node.x - camera.x) * camera.scale, (node.y - camera.y) * camera.scale, size, size, radius);
      context.fill();
    });
  }

  /** What is the matter is a colour and a shape: not everybody sees the colour. */
  #trouble({ camera }: Scene, { x, y, state }: MapNode, edge: number): void {
    const context = this.#context;
    const left = (x - camera.x) * camera.scale;
    const top = (y - camera.y) * camera.scale;
    const size = edge - gapOf(edge);
    const isDown = (state & (NOT_READY | NO_NETWORK)) !== 0;
    if (isDown) {
      context.fillStyle = this.#colours.bad;
      context.beginPath();
      context.roundRect(left, top, size, size, radiusOf(edge));
      context.fill();
      if (size >= 7)
        this.#strokes(
          this.#colours.page,
          edge,
          [left + size * 0.3, top + size * 0.3, size * 0.4, size * 0.4],
          [left + size * 0.7, top + size * 0.3, -size * 0.4, size * 0.4],
        );
      return;
    }
    if ((state & CORDONED) !== 0) {
      const inset = Math.max(1, size * 0.07);
      if (size >= 7) {
        context.fillStyle = this.#colours.line;
        context.beginPath();
        context.roundRect(left, top, size, size, radiusOf(edge));
        context.fill();
      }
      context.fillStyle = this.#colours.page;
      context.beginPath();
      context.roundRect(left + inset, top + inset, size - 2 * inset, size - 2 * inset, Math.max(0, radiusOf(edge) - inset));
      context.fill();
      if (size >= 7 && edge < PODS_EDGE_MIN)
        this.#strokes(this.#colours.muted, edge, [left + size * 0.3, top + size * 0.7, size * 0.4, -size * 0.4]);
    }
    if ((state & PRESSURE) !== 0) {
      const corner = Math.max(3, size * 0.42);
      context.fillStyle = this.#colours.warn;
      context.beginPath();
      context.moveTo(left + size, top);
      context.lineTo(left + size, top + corner);
      context.lineTo(left + size - corner, top);
      context.fill();
    }
  }

  #strokes(colour: string, edge: number, ...lines: readonly (readonly [x: number, y: number, dx: number, dy: number])[]): void {
    const context = this.#context;
    context.strokeStyle = colour;
    context.lineWidth = Math.min(3, Math.max(1, edge * 0.08));
    context.beginPath();
    for (const [x, y, dx, dy] of lines) {
      context.moveTo(x, y);
      context.lineTo(x + dx, y + dy);
    }
    context.stroke();
  }

  /** Pods, and names, of what is near. */
  #insides({ camera }: Scene, edge: number): void {
    const context = this.#context;
    const { running, warn, bad, muted, page, text, sans } = this.#colours;
    const size = edge - gapOf(edge);
    const hasName = edge >= NAME_EDGE_MIN;
    const head = hasName ? 24 : 0;
    const margin = Math.max(3, size * 0.08);
    const counted = [
      ["running", running],
      ["unready", warn],
      ["pending", muted],
      ["failed", bad],
    ] as const;
    const dots: { x: number; y: number; side: number }[][] = counted.map(() => []);
    context.fillStyle = page;
    context.globalAlpha = 0.86;
    context.beginPath();
    const nodes = this.#byShade.flat().filter(({ state }) => (state & (NOT_READY | NO_NETWORK)) === 0);
    const inset = Math.max(2, size * 0.045);
    for (const { x, y } of nodes)
      context.roundRect(
        (x - camera.x) * camera.scale + inset,
        (y - camera.y) * camera.scale + inset,
        size - inset * 2,
        size - inset * 2,
        radiusOf(edge) - 1,
      );
    context.fill();
    this.#levels(nodes, camera, { inset, size, head });
    context.globalAlpha = 1;
    for (const node of nodes) {
      const left = (node.x - camera.x) * camera.scale + margin;
      const top = (node.y - camera.y) * camera.scale + margin + head;
      const width = size - margin * 2;
      const height = size - margin * 2 - head;
      const all = node.running + node.unready + node.pending + node.failed;
      const { step, columns } = gridFor(all, width, height);
      let at = 0;
      counted.forEach(([state], index) => {
        for (let pod = 0; pod < node[state]; pod++, at++)
          dots[index]?.push({ x: left + (at % columns) * step, y: top + Math.floor(at / columns) * step, side: step * 0.78 });
      });
      if (!hasName) continue;
      context.font = `500 11px ${sans}`;
      context.textBaseline = "middle";
      context.fillStyle = text;
      context.fillText(node.name, left, top - head / 2, width);
    }
    counted.forEach(([, colour], index) => {
      context.fillStyle = colour;
      for (const { x, y, side } of dots[index] ?? []) context.fillRect(x, y, side, side);
    });
  }

  /** How full each is, from below: the colour alone says too little in a cell that is mostly pods. */
  #levels(nodes: readonly MapNode[], camera: Camera, cell: { readonly inset: number; readonly size: number; readonly head: number }): void {
    const { inset, size, head } = cell;
    const context = this.#context;
    context.globalAlpha = 0.4;
    for (const { x, y, shown } of nodes) {
      const height = (size - inset * 2 - head) * shown;
      context.fillStyle = this.shade(shown);
      context.beginPath();
      context.roundRect(
        (x - camera.x) * camera.scale + inset,
        (y - camera.y) * camera.scale + size - inset - height,
        size - inset * 2,
        height,
        Math.min(4, height / 2),
      );
      context.fill();
    }
  }

  #heads({ layout, camera }: Scene): void {
    const context = this.#context;
    context.textBaseline = "middle";
    for (const { name, nodes, x, y, width } of layout.zones) {
      const left = (x - camera.x) * camera.scale;
      const top = (y - camera.y + ZONE_HEAD) * camera.scale - ZONE_HEAD / 2;
      const words = name === "" ? "no zone" : name;
      context.font = `600 ${HEAD_FONT}px ${this.#colours.sans}`;
      context.fillStyle = this.#colours.text;
      context.fillText(words, left, top, width * camera.scale);
      const wide = context.measureText(words).width;
      if (wide + 60 > width * camera.scale) continue;
      context.font = `400 ${HEAD_FONT}px ${this.#colours.sans}`;
      context.fillStyle = this.#colours.muted;
      context.fillText(`${count(nodes.length)} ${nodes.length === 1 ? "node" : "nodes"}`, left + wide + 8, top);
    }
  }

  #ring({ camera }: Scene, node: MapNode | undefined, edge: number, colour: string, width: number): void {
    if (node === undefined) return;
    const context = this.#context;
    const size = edge - gapOf(edge);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.roundRect(
      (node.x - camera.x) * camera.scale - 1.5,
      (node.y - camera.y) * camera.scale - 1.5,
      size + 3,
      size + 3,
      radiusOf(edge) + 1.5,
    );
    context.stroke();
  }
}

function shadeAt(use: number): number {
  return Math.min(SHADES - 1, Math.floor(use * SHADES));
}

/** The largest squares of which so many fit. */
function gridFor(many: number, width: number, height: number): { readonly step: number; readonly columns: number } {
  let step = Math.min(POD_EDGE_MAX, Math.sqrt((width * height) / Math.max(1, many)));
  let columns = Math.max(1, Math.floor(width / step));
  while (Math.ceil(many / columns) * step > height && step > 1) {
    step *= 0.95;
    columns = Math.max(1, Math.floor(width / step));
  }
  return { step, columns };
}

function gapOf(edge: number): number {
  return edge < 5 ? edge * 0.2 : Math.min(6, Math.max(1, edge * 0.12));
}

function radiusOf(edge: number): number {
  return edge < ROUND_EDGE_MIN ? 0 : Math.min(8, edge * 0.16);
}

function coloursNow(): Colours {
  const stops = RAMP.map((variable) => channelsOf(themes.colour(variable)));
  const mixes = Array.from({ length: SHADES }, (_, at) => {
    const place = (at / (SHADES - 1)) * (stops.length - 1);
    const from = stops[Math.floor(place)] ?? [0, 0, 0];
    const to = stops[Math.ceil(place)] ?? from;
    return from.map((channel, index) => Math.round(channel + ((to[index] ?? channel) - channel) * (place % 1)));
  });
  const of = (name: `--${string}`): string => themes.colour(name);
  return {
    shades: mixes.map((mixed) => `rgb(${mixed.join(" ")})`),
    pixels: new Uint32Array(Uint8Array.from(mixes.flatMap((mixed) => [...mixed, OPAQUE])).buffer),
    text: of("--text"),
    muted: of("--muted"),
    line: of("--line-strong"),
    page: of("--page"),
    accent: of("--accent"),
    bad: of("--bad"),
    warn: of("--warn"),
    running: of("--heat-3"),
    sunk: of("--sunk"),
    sans: getComputedStyle(document.documentElement).fontFamily,
  };
}

/** Of `rgb(1, 2, 3)`. */
function channelsOf(colour: string): readonly number[] {
  return (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
}
