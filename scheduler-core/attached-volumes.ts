import type { Cluster } from "./cluster.ts";
import type { Attachments, Usage } from "./usage.ts";

/** A volume that a pod attaches to its node. */
export interface VolumeUse {
  /** Whose limit it counts against. */
  readonly driver: string;
  /** Unique among the volumes of its driver. */
  readonly volume: string;
  /** It counts only on nodes that say that this plugin, which the driver has replaced, is not at work there any more; absent: everywhere. */
  readonly plugin?: string;
}

/** A volume of a usage, with the place of its driver in the usage's columns. */
interface Place {
  readonly volume: string;
  readonly place: number;
  readonly plugin: string | undefined;
}

/** What a node attaches beyond what its pods say, and which plugins drivers have replaced there. */
export interface NodeVolumes {
  /** Volumes that are attached for whatever reason, also for pods of the node. */
  readonly attached: readonly VolumeUse[];
  readonly replaced: ReadonlySet<string>;
}

const NOTHING: NodeVolumes = { attached: [], replaced: new Set() };

/**
 * Which volumes are attached where, and for how many pods. A worker counts each pod's volumes as if they were its own; this puts right
 * those that others use on the same node. Invariant: the column of a driver counts each volume of a node once, whether pods use it, it is attached, or both.
 */
export class AttachedVolumes {
  readonly #uses = new WeakMap<Usage, readonly Place[]>();
  /** By volume and slot, for how many pods. */
  readonly #slots = new Map<string, Map<number, number>>();
  readonly #nodes = new Map<number, NodeVolumes>();
  /** By slot, of the volumes that are attached whoever uses them, the column of each. */
  readonly #attached = new Map<number, ReadonlyMap<string, number>>();

  /** The attachments of a pod with these volumes; undefined: it has none. Tell `remember` of the usage that they become part of. */
  attachments(volumes: readonly VolumeUse[], column: (driver: string) => number): Attachments | undefined {
    if (volumes.length === 0) return undefined;
    const drivers = [...new Set(volumes.map(({ driver }) => driver))];
    const amount = (driver: string): number => new Set(volumes.filter((use) => use.driver === driver).map(({ volume }) => volume)).size;
    return { columns: Int32Array.from(drivers, column), amounts: Int32Array.from(drivers, amount), held: new Map() };
  }

  remember(usage: Usage, volumes: readonly VolumeUse[]): void {
    const drivers = [...new Set(volumes.map(({ driver }) => driver))];
    const places = new Map(volumes.map((use) => [keyOf(use), { place: drivers.indexOf(use.driver), plugin: use.plugin }]));
    this.#uses.set(
      usage,
      [...places].map(([volume, place]) => ({ volume, ...place })),
    );
  }

  /** A pod of this usage is on the node now (1) or has left it (-1), and is counted so. */
  moved(cluster: Cluster, slot: number, usage: Usage, sign: 1 | -1): void {
    const { attachments } = usage;
    if (attachments === undefined) return;
    for (const { volume, place, plugin } of this.#uses.get(usage) ?? []) {
      const column = attachments.columns[place] as number;
      if (!this.#counts(slot, plugin)) {
        cluster.attached(slot, column, -sign);
        continue;
      }
      const slots = this.#slots.get(volume) ?? new Map<number, number>();
      const others = (slots.get(slot) ?? 0) - (sign === 1 ? 0 : 1);
      if (others > 0 || this.#attached.get(slot)?.has(volume) === true) cluster.attached(slot, column, -sign);
      if (others + (sign === 1 ? 1 : 0) > 0) slots.set(slot, others + (sign === 1 ? 1 : 0));
      else slots.delete(slot);
      if (slots.size > 0) this.#slots.set(volume, slots);
      else this.#slots.delete(volume);
    }
  }

  /** Sets what a node attaches beyond what its pods say. No pods may be counted there while the plugins that are replaced change. */
  setNode(cluster: Cluster, slot: number, volumes: NodeVolumes, column: (driver: string) => number): void {
    const before = this.#attached.get(slot) ?? new Map<string, number>();
    const now = new Map(volumes.attached.map((use) => [keyOf(use), column(use.driver)]));
    const isUsed = (volume: string): boolean => this.#slots.get(volume)?.has(slot) === true;
    for (const [volume, at] of before) if (!now.has(volume) && !isUsed(volume)) cluster.attached(slot, at, -1);
    for (const [volume, at] of now) if (!before.has(volume) && !isUsed(volume)) cluster.attached(slot, at, 1);
    this.#attached.set(slot, now);
    this.#nodes.set(slot, volumes);
  }

  /** The node is gone. */
  closed(slot: number): void {
    for (const [volume, slots] of this.#slots) if (slots.delete(slot) && slots.size === 0) this.#slots.delete(volume);
    this.#attached.delete(slot);
    this.#nodes.delete(slot);
  }

  /** Says in the attachments of a usage where its volumes need nothing more, since pods there use them already or they do not count there. */
  refresh(usage: Usage, slots: Iterable<number>): void {
    const { attachments } = usage;
    if (attachments === undefined) return;
    const { held, columns } = attachments;
    held.clear();
    const hold = (slot: number, place: number): void => {
      const here = held.get(slot) ?? new Int32Array(columns.length);
      here[place] = (here[place] as number) + 1;
      held.set(slot, here);
    };
    for (const { volume, place, plugin } of this.#uses.get(usage) ?? []) {
      for (const slot of this.#slots.get(volume)?.keys() ?? []) hold(slot, place);
      if (plugin !== undefined) for (const slot of slots) if (!this.#counts(slot, plugin)) hold(slot, place);
    }
  }

  #counts(slot: number, plugin: string | undefined): boolean {
    return plugin === undefined || (this.#nodes.get(slot) ?? NOTHING).replaced.has(plugin);
  }
}

function keyOf({ driver, volume }: VolumeUse): string {
  return `${driver}/${volume}`;
}
