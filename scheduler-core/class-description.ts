import type { VolumeUse } from "./attached-volumes.ts";
import type { PodFacts } from "./facts.ts";
import type { DiskUse, HostPort } from "./numbering.ts";
import type { SchedulingProfile } from "./scheduling-profile.ts";
import type { StaticClass } from "./static-class.ts";
import type { Usage } from "./usage.ts";

/** What a pod asks for, by name of resource, in the unit of its column (cpu in milli, all others whole). */
export interface Needs {
  readonly requests: Readonly<Record<string, number>>;
  /** As requested, with a default for every container that names none. */
  readonly nonzero: { readonly cpu_milli: number; readonly memory_bytes: number };
  /** Of `requests`, what need not fit. */
  readonly unchecked?: readonly string[];
  readonly ports: readonly HostPort[];
  readonly disks?: readonly DiskUse[];
  /** Volumes of drivers that may have a limit; the limits are among what a node allocates, see `volumeLimit`. */
  readonly volumes?: readonly VolumeUse[];
}

/** What makes pods alike for the scheduler. Equal keys must mean equal facts; facts are only asked for when the key is new. */
export interface ClassDescription {
  readonly staticKey: string;
  facts(): PodFacts;
  readonly usageKey: string;
  needs(): Needs;
  readonly priority: number;
  /** Default: the default profile. */
  readonly profile?: SchedulingProfile;
}

/** A class as its owner holds it. What a worker needs of it is made by `Inventory.ready`. */
export interface ClassHandle {
  readonly id: number;
  readonly statics: StaticClass;
  readonly usage: Usage;
  readonly priority: number;
  /** See PodClass. */
  readonly weights: Int32Array;
  readonly filters: Uint8Array;
}
