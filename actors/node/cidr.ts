/**
 * Addresses of hollow nodes and pods. Node `i` has one /24 of the cluster's pod range 10.128.0.0/10 (16,384 nodes) and an address of its own
 * in 172.16.0.0/12; nothing listens there.
 */
export const HOLLOW_NODES_MAX = 16_384;
const POD_RANGE_FIRST = 10 * 2 ** 24 + 128 * 2 ** 16;
const NODE_RANGE_FIRST = 172 * 2 ** 24 + 16 * 2 ** 16;
/** Host parts of a /24 that pods may have. */
const POD_HOST_FIRST = 2;
const POD_HOSTS = 253;

const dotted = (address: number): string =>
  `${Math.floor(address / 2 ** 24)}.${Math.floor(address / 2 ** 16) % 256}.${Math.floor(address / 2 ** 8) % 256}.${address % 256}`;

/** The pod range of node `index`, as in `spec.podCIDR`. */
export const podCidrOf = (index: number): string => `${dotted(POD_RANGE_FIRST + index * 256)}/24`;

/** Whose pod range this is; undefined when it is none of ours. */
export function indexOfPodCidr(cidr: string): number | undefined {
  const address = /^(\d+)\.(\d+)\.(\d+)\.0\/24$/.exec(cidr);
  if (address === null) return undefined;
  const index = Number(address[1]) * 2 ** 16 + Number(address[2]) * 2 ** 8 + Number(address[3]) - POD_RANGE_FIRST / 2 ** 8;
  return index >= 0 && index < HOLLOW_NODES_MAX ? index : undefined;
}

/** The address of node `index`. */
export const nodeAddressOf = (index: number): string => dotted(NODE_RANGE_FIRST + 256 + index);

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
