import type { Logger } from "./actor.ts";
import type { Address } from "./address.ts";
import { Cell } from "./cell.ts";
import type { Activatable, CellHost, KindOnHost } from "./cell-host.ts";
import type { Clock } from "./time.ts";

/** How long the actors of one kind get to end; then it is said which were left behind, and things go on. */
export const STOP_GRACE_MS = 5_000;

/**
 * The cells of one host, by address: those whose addresses are this host's, those that may not be active yet because another host may not have let go, and
 * those that live elsewhere by now and have not ended.
 */
export class Cells {
  readonly #host: CellHost;
  readonly #cells = new Map<Address, Cell>();
  /** Their addresses may not be this host's alone yet. */
  readonly #waiting = new Set<Activatable>();
  readonly #leaving = new Set<Address>();

  constructor(host: CellHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#cells.size;
  }

  /** Addresses that live elsewhere, and whose cells are not gone. */
  get leaving(): ReadonlySet<Address> {
    return this.#leaving;
  }

  get(address: Address): Cell | undefined {
    return this.#cells.get(address);
  }

  addresses(): MapIterator<Address> {
    return this.#cells.keys();
  }

  all(): MapIterator<Cell> {
    return this.#cells.values();
  }

  /** The cell of this address, a new one when there is none. */
  at(address: Address, kind: KindOnHost): Cell {
    const there = this.#cells.get(address);
    if (there !== undefined) return there;
    const cell = new Cell(this.#host, kind, address);
    this.#cells.set(address, cell);
    kind.measures.active += 1;
    return cell;
  }

  /** The cell is done with. Gives whether its address lives elsewhere. */
  gone(address: Address, kind: KindOnHost): boolean {
    const cell = this.#cells.get(address);
    this.#cells.delete(address);
    kind.measures.active -= 1;
    if (cell !== undefined) this.#waiting.delete(cell);
    return this.#leaving.delete(address);
  }

  /** The cell wants to be active; `wake` lets it when it may. */
  wait(cell: Activatable): void {
    this.#waiting.add(cell);
  }

  wake(mayActivate: (address: Address) => boolean): void {
    for (const cell of this.#waiting) {
      if (!mayActivate(cell.address)) continue;
      this.#waiting.delete(cell);
      cell.mayActivate();
    }
  }

  /** Lets go of what does not live here any more; waiting messages follow the address. */
  moveOut(livesHere: (address: Address) => boolean): void {
    for (const [address, cell] of [...this.#cells]) {
      if (livesHere(address) || this.#leaving.has(address)) continue;
      this.#leaving.add(address);
      // What stops anyway goes on stopping.
      if (!cell.kind.closed) cell.evict("moved");
    }
  }

  /** Forgets all cells; gives them, for whoever ends them. */
  abandon(): Cell[] {
    const cells = [...this.#cells.values()];
    this.#cells.clear();
    this.#waiting.clear();
    this.#leaving.clear();
    for (const { kind } of cells) kind.measures.active -= 1;
    return cells;
  }
}

/** Ends these cells by `end`; resolves when all are over, or have been given long enough: then `late` is logged. */
export function endAll(
  cells: Iterable<Cell>,
  end: (cell: Cell, over: () => void) => void,
  { clock, log, late }: { readonly clock: Clock; readonly log: Logger; readonly late: string },
): Promise<void> {
  const left = new Set(cells);
  if (left.size === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const grace = clock.after(STOP_GRACE_MS, () => {
      const [first] = left;
      log.warn({ kind: first?.kind.definition.kind, left: left.size, first: first?.address }, late);
      resolve();
    });
    for (const cell of [...left]) {
      end(cell, () => {
        left.delete(cell);
        if (left.size > 0) return;
        grace.cancel();
        resolve();
      });
    }
  });
}
