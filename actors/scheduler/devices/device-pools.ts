/** The devices that can be reached from a node. Source: pools_experimental.go of k8s.io/dynamic-resource-allocation/structured. */
import type { Device, NodeSelector, ResourceSlice } from "../../kinds/generated/types.ts";
import { meetsTerms } from "./node-terms.ts";

/** What of a node decides which devices it reaches. */
export interface ReachingNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface DevicePool {
  readonly driver: string;
  readonly pool: string;
  /** Those of the latest generation. */
  readonly slices: readonly ResourceSlice[];
  /** There are to be more slices. */
  readonly isIncomplete: boolean;
  /** The device that is there twice. */
  readonly twice: string | undefined;
}

/** Slices by where their devices can be reached from: most are of one node. */
export class SliceDirectory {
  readonly #ofNode = new Map<string, ResourceSlice[]>();
  readonly #shared: ResourceSlice[] = [];

  constructor(slices: Iterable<ResourceSlice>) {
    for (const slice of slices) {
      const { nodeName, allNodes, nodeSelector } = slice.spec;
      if (nodeName) {
        const own = this.#ofNode.get(nodeName);
        if (own === undefined) this.#ofNode.set(nodeName, [slice]);
        else own.push(slice);
      } else if (allNodes === true || nodeSelector !== undefined) this.#shared.push(slice);
    }
  }

  poolsOf(node: ReachingNode): DevicePool[] {
    const reached = this.#shared.filter(({ spec }) => spec.allNodes === true || meets(spec.nodeSelector, node));
    const pools = new Map<string, ResourceSlice[]>();
    for (const slice of [...(this.#ofNode.get(node.name) ?? []), ...reached]) {
      const { driver, pool } = slice.spec;
      const id = `${driver}/${pool.name}`;
      const known = pools.get(id);
      const generation = known?.[0]?.spec.pool.generation ?? pool.generation;
      if (known === undefined || pool.generation > generation) pools.set(id, [slice]);
      else if (pool.generation === generation) known.push(slice);
    }
    return [...pools.values()].map(poolOf);
  }
}

function meets(selector: NodeSelector | undefined, { name, labels }: ReachingNode): boolean {
  return selector !== undefined && meetsTerms(selector, name, labels);
}

function poolOf(slices: readonly ResourceSlice[]): DevicePool {
  const { driver = "", pool } = slices[0]?.spec ?? {};
  const names = new Set<string>();
  let twice: string | undefined;
  for (const { name } of slices.flatMap(devicesOf)) {
    if (names.has(name)) twice ??= name;
    names.add(name);
  }
  return { driver, pool: pool?.name ?? "", slices, isIncomplete: slices.length !== pool?.resourceSliceCount, twice };
}

export function devicesOf({ spec }: ResourceSlice): readonly Device[] {
  return spec.devices ?? [];
}
