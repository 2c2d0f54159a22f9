/** Where one looks: a point of the layout at the corner of the canvas, and how much larger everything is. */
export class Camera {
  x = 0;
  y = 0;
  scale = 1;
  /** The most that one can come near. */
  scaleMax = 1;
  width = 0;
  height = 0;

  /** Everything, as the layout has it. */
  fit(): void {
    this.x = 0;
    this.y = 0;
    this.scale = 1;
  }

  /** Comes nearer by a factor, to what is under a point of the canvas. */
  zoom(factor: number, atX: number, atY: number): void {
    const scale = Math.min(Math.max(this.scale * factor, 1), this.scaleMax);
    this.x += atX / this.scale - atX / scale;
    this.y += atY / this.scale - atY / scale;
    this.scale = scale;
    this.#hold();
  }

  /** Moves what is seen by so many pixels of the canvas. */
  pan(byX: number, byY: number): void {
    this.x -= byX / this.scale;
    this.y -= byY / this.scale;
    this.#hold();
  }

  /** Moves no more than it takes to see a square of the layout. */
  show(x: number, y: number, edge: number): void {
    const margin = edge / 2;
    this.x = Math.min(Math.max(this.x, x + edge + margin - this.width / this.scale), x - margin);
    this.y = Math.min(Math.max(this.y, y + edge + margin - this.height / this.scale), y - margin);
    this.#hold();
  }

  /** Nobody gets lost: there is always something of the layout to see. */
  #hold(): void {
    this.x = Math.min(Math.max(this.x, 0), this.width - this.width / this.scale);
    this.y = Math.min(Math.max(this.y, 0), this.height - this.height / this.scale);
  }
}
