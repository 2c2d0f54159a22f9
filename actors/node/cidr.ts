import { createHash } from "node:crypto";

/** Where nodes and their pods get their addresses from: node `i` has a /24 for its pods, and an address of its own. */
export interface AddressPlan {
  readonly nodesMax: number;
  /** The pod range of node `index`, as in `spec.podCIDR`. */
  podCidrOf(index: number): string;
  /** Whose pod range this is; undefined when it is none of the plan's. */
  indexOfPodCidr(cidr: string): number | undefined;
  /** The address of node `index`. */
  nodeAddressOf(index: number): string;
}

export const HOLLOW_NODES_MAX = 16_384;
/** Of hollow nodes: pods in 10.128.0.0/10, nodes in 172.16.0.0/12, where nothing listens. */
export const HOLLOW_ADDRESSES: AddressPlan = addressPlan(
  HOLLOW_NODES_MAX,
  10 * 2 ** 24 + 128 * 2 ** 16,
  172 * 2 ** 24 + 16 * 2 ** 16 + 256,
);
export const MACHINE_NODES_MAX = 64;
/** So many clusters on one machine have addresses apart. */
const MACHINE_BLOCKS = 128;
/**
 * Of nodes that are this machine: pods in a /18 of 127.64.0.0/11, nodes in 127.112.0.0/19. The whole of 127.0.0.0/8 is the machine itself, and needs no rights;
 * 127.96.0.0/12 is left to services. All clusters of a machine share it, so each has the part that its directory hashes to: nothing but that need be agreed on.
 */
export function machineAddresses(directory: string): AddressPlan {
  const block = createHash("sha256").update(directory).digest().readUInt16BE(0) % MACHINE_BLOCKS;
  return addressPlan(
    MACHINE_NODES_MAX,
    127 * 2 ** 24 + 64 * 2 ** 16 + block * MACHINE_NODES_MAX * 256,
    127 * 2 ** 24 + 112 * 2 ** 16 + block * MACHINE_NODES_MAX + 1,
  );
}
/** Host parts of a /24 that pods may have. */
const POD_HOST_FIRST = 2;
const POD_HOSTS = 253;

function dotted(address: number): string {
  return `${Math.floor(address / 2 ** 24)}.${Math.floor(address / 2 ** 16) % 256}.${Math.floor(address / 2 ** 8) % 256}.${address % 256}`;
}

function addressPlan(nodesMax: number, podRangeFirst: number, nodeFirst: number): AddressPlan {
  return {
    nodesMax,
    podCidrOf: (index) => `${dotted(podRangeFirst + index * 256)}/24`,
    indexOfPodCidr(cidr) {
      const address = /^(\d+)\.(\d+)\.(\d+)\.0\/24$/.exec(cidr);
      if (address === null) return undefined;
      const index = Number(address[1]) * 2 ** 16 + Number(address[2]) * 2 ** 8 + Number(address[3]) - podRangeFirst / 2 ** 8;
      return index >= 0 && index < nodesMax ? index : undefined;
    },
    nodeAddressOf: (index) => dotted(nodeFirst + index),
  };
}

/** Hands out the host parts of one node's pod range, the one free for longest first. */
export class PodAddresses {
  readonly #prefix: string;
  readonly #used = new Set<string>();
  #next = 0;

  /** `cidr` is a node's `spec.podCIDR`, a /24. */
  constructor(cidr: string) {
    this.#prefix = cidr.slice(0, cidr.lastIndexOf(".") + 1);
  }

  /** Takes over an address that a pod has already. */
  adopt(address: string): void {
    if (address.startsWith(this.#prefix)) this.#used.add(address);
  }

  /** Undefined when all are in use. */
  take(): string | undefined {
    for (let tried = 0; tried < POD_HOSTS; tried++) {
      const address = this.#prefix + (POD_HOST_FIRST + (this.#next++ % POD_HOSTS));
      if (this.#used.has(address)) continue;
      this.#used.add(address);
      return address;
    }
    return undefined;
  }

  release(address: string): void {
    this.#used.delete(address);
  }
}
