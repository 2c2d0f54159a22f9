import type { Camera } from "./camera.ts";
import { ZONE_HEAD, type ZonePlace } from "./layout.ts";
import type { MapNode } from "./model.ts";

/** How cells are drawn. */
export interface CellLook {
  /** The edge of a cell with its gap, and the gap, in pixels of the screen. */
  readonly edge: number;
  readonly gap: number;
  /** What is between them. */
  readonly page: string;
  /** The colour of a node, as four bytes of a picture. */
  readonly colourOf: (node: MapNode) => number;
}

/**
 * The cells of a zone as one small picture, a pixel each, that is drawn large, and between them lines: for 5,000 cells some hundred calls of the canvas instead of 5,000.
 */
export class CellGrid {
  readonly #canvas = document.createElement("canvas");
  #picture: ImageData | undefined;

  paint(context: CanvasRenderingContext2D, { nodes, columns, ...zone }: ZonePlace<MapNode>, camera: Camera, look: CellLook): void {
    const { edge, gap, page, colourOf } = look;
    const across = Math.min(columns, nodes.length);
    const rows = Math.ceil(nodes.length / columns);
    const left = (zone.x - camera.x) * camera.scale;
    const top = (zone.y + ZONE_HEAD - camera.y) * camera.scale;
    if (left > camera.width || top > camera.height || left + across * edge < 0 || top + rows * edge < 0) return;
    this.#draw(across, rows, nodes, colourOf);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#canvas, left, top, across * edge, rows * edge);
    context.fillStyle = page;
    for (let column = 1; column <= across; column++) context.fillRect(left + column * edge - gap, top, gap, rows * edge);
    for (let row = 1; row <= rows; row++) context.fillRect(left, top + row * edge - gap, across * edge, gap);
  }

  #draw(across: number, rows: number, nodes: readonly MapNode[], colourOf: (node: MapNode) => number): void {
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    if (this.#picture?.width !== across || this.#picture.height !== rows) {
      this.#canvas.width = across;
      this.#canvas.height = rows;
      this.#picture = context.createImageData(across, rows);
    }
    const pixels = new Uint32Array(this.#picture.data.buffer);
    pixels.fill(0);
    for (let at = 0; at < nodes.length; at++) pixels[at] = colourOf(nodes[at] as MapNode);
    context.putImageData(this.#picture, 0, 0);
  }
}
