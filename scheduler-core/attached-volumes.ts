import type { Cluster } from "./cluster.ts";
import type { Attachments, Usage } from "./usage.ts";

/** A volume that a pod attaches to its node. */
export interface VolumeUse {
  /** Whose limit it counts against. */
  readonly driver: string;
  /** Unique among the volumes of its driver. */
  readonly volume: string;
}

/**
 * Which volumes are attached where, and for how many pods. A worker counts each pod's volumes as if they were its own; this puts right
 * those that others use on the same node. Invariant: the column of a driver counts each volume of a node once.
 */
export class AttachedVolumes {
  readonly #uses = new WeakMap<Usage, readonly { readonly volume: string; readonly place: number }[]>();
  /** By volume and slot, for how many pods. */
  readonly #slots = new Map<string, Map<number, number>>();

  /** The attachments of a pod with these volumes; undefined: it has none. Tell `remember` of the usage that they become part of. */
  attachments(volumes: readonly VolumeUse[], column: (driver: string) => number): Attachments | undefined {
    if (volumes.length === 0) return undefined;
    const drivers = [...new Set(volumes.map(({ driver }) => driver))];
    const amount = (driver: string): number => new Set(volumes.filter((use) => use.driver === driver).map(({ volume }) => volume)).size;
    return { columns: Int32Array.from(drivers, column), amounts: Int32Array.from(drivers, amount), held: new Map() };
  }

  remember(usage: Usage, volumes: readonly VolumeUse[]): void {
    const drivers = [...new Set(volumes.map(({ driver }) => driver))];
    const places = new Map(volumes.map(({ driver, volume }) => [`${driver}/${volume}`, drivers.indexOf(driver)]));
    this.#uses.set(
      usage,
      [...places].map(([volume, place]) => ({ volume, place })),
    );
  }

  /** A pod of this usage is on the node now (1) or has left it (-1), and is counted so. */
  moved(cluster: Cluster, slot: number, usage: Usage, sign: 1 | -1): void {
    const { attachments } = usage;
    if (attachments === undefined) return;
    for (const { volume, place } of this.#uses.get(usage) ?? []) {
      const slots = this.#slots.get(volume) ?? new Map<number, number>();
      const others = (slots.get(slot) ?? 0) - (sign === 1 ? 0 : 1);
      if (others > 0) cluster.attached(slot, attachments.columns[place] as number, -sign);
      if (others + (sign === 1 ? 1 : 0) > 0) slots.set(slot, others + (sign === 1 ? 1 : 0));
      else slots.delete(slot);
      if (slots.size > 0) this.#slots.set(volume, slots);
      else this.#slots.delete(volume);
    }
  }

  /** The node is gone. */
  closed(slot: number): void {
    for (const [volume, slots] of this.#slots) if (slots.delete(slot) && slots.size === 0) this.#slots.delete(volume);
  }

  /** Says in the attachments of a usage where its volumes are attached already. */
  refresh(usage: Usage): void {
    const { attachments } = usage;
    if (attachments === undefined) return;
    const { held, columns } = attachments;
    held.clear();
    for (const { volume, place } of this.#uses.get(usage) ?? []) {
      for (const slot of this.#slots.get(volume)?.keys() ?? []) {
        const here = held.get(slot) ?? new Int32Array(columns.length);
        here[place] = (here[place] as number) + 1;
        held.set(slot, here);
      }
    }
  }
}
