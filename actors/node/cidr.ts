import { createHash } from "node:crypto";

/** Where nodes and their pods get their addresses from: node `i` has a /24 for its pods, and an address of its own. */
export interface AddressPlan {
  readonly nodesMax: number;
  /** The pod range of node `index`, as in `spec.podCIDR`; undefined: the cluster gives it one. */
  podCidrOf(index: number): string | undefined;
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

/** The range of a cluster whose pods have a network of their own: a part is its own machine's, for its pods and for itself, and the rest is for machines that join. */
export interface MachineRange {
  /** What is the cluster's own machine's, a /17: `pods` and `own`. */
  readonly first: string;
  /** Of all of its pods, a /18. */
  readonly pods: string;
  /** Addresses that are this machine: of nodes, load balancers, ingresses; a /18. */
  readonly own: string;
  /** Of which each machine that joins gets a /24 for its pods; undefined: there is no room for any. */
  readonly joined: string | undefined;
  readonly addresses: AddressPlan;
  readonly balancers: string;
  readonly ingress: string;
}

const RANGE_BITS_MAX = 17;
const HALF_BITS = 18;
const HALF = 2 ** (32 - HALF_BITS);

/** `10.244.0.0/16`: a /17 at the least. Undefined: it is none. */
export function machineRange(cidr: string): MachineRange | undefined {
  const [, ...parts] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr)?.map(Number) ?? [];
  const [a = 256, b = 256, c = 256, d = 256, bits = 0] = parts;
  if (Math.max(a, b, c, d) > 255 || bits < 8 || bits > RANGE_BITS_MAX) return undefined;
  const size = 2 ** (32 - bits);
  const base = Math.floor((a * 2 ** 24 + b * 2 ** 16 + c * 256 + d) / size) * size;
  const own = base + HALF;
  return {
    first: `${dotted(base)}/${RANGE_BITS_MAX}`,
    joined: bits === RANGE_BITS_MAX ? undefined : `${dotted(base + size / 2)}/${bits + 1}`,
    pods: `${dotted(base)}/${HALF_BITS}`,
    own: `${dotted(own)}/${HALF_BITS}`,
    addresses: addressPlan(MACHINE_NODES_MAX, base, own + 1),
    balancers: `${dotted(own + 256 + 1)}-${dotted(own + 256 + 254)}`,
    ingress: dotted(own + 512 + 1),
  };
}

/** The same, where the first node is at an address that the machine has anyway, by which others reach it. */
export function atMachine(plan: AddressPlan, address: string): AddressPlan {
  return { ...plan, nodeAddressOf: (index) => (index === 0 ? address : plan.nodeAddressOf(index)) };
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
  /** A node's `spec.podCIDR`, a /24. */
  readonly cidr: string;
  readonly #prefix: string;
  readonly #used = new Set<string>();
  #next = 0;

  constructor(cidr: string) {
    this.cidr = cidr;
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
