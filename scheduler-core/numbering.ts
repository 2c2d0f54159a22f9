import { FIXED_COLUMNS } from "./usage.ts";

/** Gives resources their columns, in order of appearance. */
export class ResourceColumns {
  readonly names: string[] = ["cpu", "memory", "ephemeral-storage", "pods"];
  readonly #columns = new Map(this.names.map((name, column) => [name, column]));

  get count(): number {
    return Math.max(this.names.length, FIXED_COLUMNS);
  }

  of(name: string): number {
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = this.names.length;
      this.names.push(name);
      this.#columns.set(name, column);
    }
    return column;
  }
}

/** A host port that a pod holds. `ip` is `0.0.0.0` for all addresses. */
export interface HostPort {
  readonly protocol: string;
  readonly ip: string;
  readonly port: number;
}

/** A disk that a pod mounts by itself, without a claim. */
export interface DiskUse {
  readonly disk: string;
  readonly isReadOnly: boolean;
}

const EVERY_ADDRESS = "0.0.0.0";

/**
 * Gives host ports their columns. A port has one column for "somebody, on any address" and one per address, so that the
 * rule "all addresses collide with each" is a test for zero. Source: HostPortInfo.CheckConflict.
 */
export class PortColumns {
  readonly #columns = new Map<string, number>();

  get count(): number {
    return this.#columns.size;
  }

  /** The columns that a pod with these ports raises, and those that must be zero before it comes. */
  of(ports: readonly HostPort[]): { taken: number[]; wanted: number[] } {
    const taken = new Set<number>();
    const wanted = new Set<number>();
    for (const { protocol, ip, port } of ports) {
      const anyone = this.#column(`${protocol}/${port}`);
      const here = this.#column(`${protocol}/${port}/${ip}`);
      taken.add(anyone).add(here);
      if (ip === EVERY_ADDRESS) wanted.add(anyone);
      else wanted.add(here).add(this.#column(`${protocol}/${port}/${EVERY_ADDRESS}`));
    }
    return { taken: [...taken], wanted: [...wanted] };
  }

  /** The same for disks that a node may mount once for writing, or more often to read only. Source: VolumeRestrictions. */
  ofDisks(disks: readonly DiskUse[]): { taken: number[]; wanted: number[] } {
    const taken = new Set<number>();
    const wanted = new Set<number>();
    for (const { disk, isReadOnly } of disks) {
      const anyone = this.#column(`disk ${disk}`);
      const writer = this.#column(`disk ${disk} written`);
      taken.add(anyone);
      if (!isReadOnly) taken.add(writer);
      wanted.add(isReadOnly ? writer : anyone);
    }
    return { taken: [...taken], wanted: [...wanted] };
  }

  #column(key: string): number {
    let column = this.#columns.get(key);
    if (column === undefined) {
      column = this.#columns.size;
      this.#columns.set(key, column);
    }
    return column;
  }
}
