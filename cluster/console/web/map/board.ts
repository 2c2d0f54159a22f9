import type { ViewContext } from "../view.ts";
import { Camera } from "./camera.ts";
import { type Direction, type Layout, layOut, neighbour, nodeAt } from "./layout.ts";
import type { By, MapModel, MapNode } from "./model.ts";
import { Painter } from "./painter.ts";

/** The edge of a cell, in pixels, when one is as near as one can be. */
const EDGE_MAX = 240;
const ZOOM_STEP = 1.5;
const WHEEL_ZOOM = 0.0016;
/** A pointer that has moved less than this has not dragged. */
const DRAG_MIN = 4;
/** Around the map, in pixels. */
const MARGIN = 4;
const ARROWS: Readonly<Record<string, Direction>> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

/** What the board tells of. */
export interface BoardEvents {
  /** `at`: where on the board. */
  hovered(node: MapNode | undefined, at: { readonly x: number; readonly y: number }): void;
  selected(node: MapNode | undefined): void;
  /** Somebody wants to know all about the selected node. */
  opened(node: MapNode): void;
}

/** The map on its canvas: draws when there is something new, and takes pointer and keys. */
export class Board {
  by: By;
  readonly #canvas: HTMLCanvasElement;
  readonly #model: MapModel;
  readonly #events: BoardEvents;
  readonly #painter: Painter;
  readonly #camera = new Camera();
  readonly #signal: AbortSignal;
  readonly #pointers = new Map<number, { x: number; y: number }>();
  #layout: Layout<MapNode> = { cell: 1, zones: [] };
  #places = -1;
  #hovered: MapNode | undefined;
  #selected: MapNode | undefined;
  #dragged = 0;
  #isDue = false;
  #last_ms = 0;

  constructor(canvas: HTMLCanvasElement, model: MapModel, by: By, events: BoardEvents, { signal }: Pick<ViewContext, "signal">) {
    this.by = by;
    this.#canvas = canvas;
    this.#model = model;
    this.#events = events;
    this.#signal = signal;
    this.#painter = new Painter(canvas);
    const sizes = new ResizeObserver(() => this.#resize());
    sizes.observe(canvas);
    signal.addEventListener("abort", () => sizes.disconnect());
    this.#listen();
    this.#resize();
  }

  get selected(): MapNode | undefined {
    return this.#selected;
  }

  shade(use: number): string {
    return this.#painter.shade(use);
  }

  recolour(): void {
    this.#painter.recolour();
    this.draw();
  }

  /** Draws in the next frame. */
  draw(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame((now_ms) => this.#frame(now_ms));
  }

  select(node: MapNode | undefined, isToBeSeen = true): void {
    this.#selected = node;
    this.#hover(undefined, { x: 0, y: 0 });
    if (node !== undefined && isToBeSeen) this.#camera.show(node.x, node.y, this.#layout.cell);
    this.#events.selected(node);
    this.draw();
  }

  /** Goes near to a node. */
  approach(node: MapNode): void {
    const { cell } = this.#layout;
    this.#camera.fit();
    this.#camera.zoom(Math.max(1, 64 / cell), node.x + cell / 2, node.y + cell / 2);
    this.select(node);
  }

  zoom(how: "in" | "out" | "fit"): void {
    const { width, height } = this.#camera;
    if (how === "fit") this.#camera.fit();
    else this.#camera.zoom(how === "in" ? ZOOM_STEP : 1 / ZOOM_STEP, width / 2, height / 2);
    this.draw();
  }

  #frame(now_ms: number): void {
    this.#isDue = false;
    if (this.#signal.aborted) return;
    if (this.#places !== this.#model.places) this.#place();
    // After a pause, the first step is a frame's.
    const elapsed_ms = Math.min(50, now_ms - this.#last_ms);
    this.#last_ms = now_ms;
    const isMoving = this.#model.ease(this.by, elapsed_ms);
    this.#painter.paint({ layout: this.#layout, camera: this.#camera, hovered: this.#hovered, selected: this.#selected });
    if (isMoving) this.draw();
  }

  #place(): void {
    const { width, height } = this.#camera;
    this.#places = this.#model.places;
    this.#layout = layOut(this.#model.nodes.values(), width - MARGIN, height - MARGIN);
    this.#camera.scaleMax = Math.max(1, EDGE_MAX / this.#layout.cell);
    if (this.#selected !== undefined && !this.#model.nodes.has(this.#selected.number)) this.select(undefined);
    // What somebody looks at stays in sight.
    if (this.#selected !== undefined) this.#camera.show(this.#selected.x, this.#selected.y, this.#layout.cell);
    if (this.#hovered !== undefined && !this.#model.nodes.has(this.#hovered.number)) this.#hover(undefined, { x: 0, y: 0 });
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#camera.width = clientWidth;
    this.#camera.height = clientHeight;
    this.#painter.resize(clientWidth, clientHeight);
    this.#camera.pan(0, 0);
    this.#place();
    this.#frame(performance.now());
  }

  #hover(node: MapNode | undefined, at: { readonly x: number; readonly y: number }): void {
    if (node !== this.#hovered) this.draw();
    this.#hovered = node;
    this.#events.hovered(node, at);
  }

  #at(x: number, y: number): MapNode | undefined {
    const { scale, x: left, y: top } = this.#camera;
    return nodeAt(this.#layout, x / scale + left, y / scale + top);
  }

  #listen(): void {
    const on = <E extends keyof HTMLElementEventMap>(name: E, act: (event: HTMLElementEventMap[E]) => void, passive = true): void =>
      this.#canvas.addEventListener(name, act, { signal: this.#signal, passive });
    on("wheel", (event) => this.#wheeled(event), false);
    on("pointerdown", (event) => this.#pressed(event));
    on("pointermove", (event) => this.#moved(event));
    on("pointerup", (event) => this.#released(event));
    on("pointercancel", (event) => void this.#pointers.delete(event.pointerId));
    on("pointerleave", () => this.#hover(undefined, { x: 0, y: 0 }));
    on("dblclick", ({ offsetX, offsetY }) => {
      this.#camera.zoom(ZOOM_STEP * ZOOM_STEP, offsetX, offsetY);
      this.draw();
    });
    on("keydown", (event) => this.#keyed(event), false);
  }

  #wheeled(event: WheelEvent): void {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.#camera.zoom(Math.exp(-event.deltaY * lines * WHEEL_ZOOM), event.offsetX, event.offsetY);
    this.#hover(this.#at(event.offsetX, event.offsetY), { x: event.offsetX, y: event.offsetY });
    this.draw();
  }

  #pressed(event: PointerEvent): void {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    this.#dragged = this.#pointers.size > 1 ? DRAG_MIN : 0;
  }

  #moved(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    const now = { x: event.offsetX, y: event.offsetY };
    if (before === undefined) {
      if (event.pointerType === "mouse") this.#hover(this.#at(now.x, now.y), now);
      return;
    }
    this.#pointers.set(event.pointerId, now);
    this.#dragged += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (this.#dragged < DRAG_MIN) return;
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other === undefined) this.#camera.pan(now.x - before.x, now.y - before.y);
    else {
      const apart = (point: { x: number; y: number }): number => Math.hypot(point.x - other.x, point.y - other.y);
      this.#camera.zoom(apart(now) / Math.max(1, apart(before)), (now.x + other.x) / 2, (now.y + other.y) / 2);
    }
    this.#hover(undefined, now);
    this.draw();
  }

  #released(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
    if (this.#dragged >= DRAG_MIN) return;
    const node = this.#at(event.offsetX, event.offsetY);
    this.select(node, false);
    if (node !== undefined) this.#events.opened(node);
  }

  #keyed(event: KeyboardEvent): void {
    const direction = ARROWS[event.key];
    if (direction !== undefined) {
      event.preventDefault();
      const next = this.#selected === undefined ? this.#layout.zones[0]?.nodes[0] : neighbour(this.#layout, this.#selected, direction);
      if (next !== undefined) this.select(next);
    } else if ((event.key === "Enter" || event.key === " ") && this.#selected !== undefined) {
      event.preventDefault();
      this.#events.opened(this.#selected);
    }
  }
}
