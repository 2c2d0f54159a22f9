import { isIPv4 } from "node:net";
import { addressBits, addressOfBits } from "../../kinds/addresses.ts";

/** Larger ranges are not kept in memory. Source: clusterSubnetMaxDiff. */
const SUBNETS_MAX_BITS = 16;

/** A cluster's range of pod addresses that is handed out to nodes piece by piece. */
export class NodeCidrs {
  readonly #cidr: string;
  readonly #family: 4 | 6;
  readonly #first: bigint;
  readonly #maskSize: number;
  /** Bits of the addresses within one piece. */
  readonly #shift: bigint;
  readonly #taken: Uint8Array;
  #free: number;
  /** Where the next free piece is looked for: one that was given back is not handed out again at once. */
  #next = 0;

  /** Throws RangeError on what is no range, or cannot be cut into such pieces. */
  constructor(cidr: string, maskSize: number) {
    const [address = "", length] = cidr.split("/");
    const bits = Number(length);
    this.#cidr = cidr;
    this.#family = isIPv4(address) ? 4 : 6;
    const width = this.#family === 4 ? 32 : 128;
    if (maskSize < bits || maskSize > width) throw new RangeError(`pieces of /${maskSize} cannot be cut out of ${cidr}`);
    if (maskSize - bits > SUBNETS_MAX_BITS) throw new RangeError(`${cidr} has more than 2^${SUBNETS_MAX_BITS} pieces of /${maskSize}`);
    const rest = BigInt(width - bits);
    this.#first = (addressBits(address) >> rest) << rest;
    this.#maskSize = maskSize;
    this.#shift = BigInt(width - maskSize);
    this.#taken = new Uint8Array(2 ** (maskSize - bits));
    this.#free = this.#taken.length;
  }

  get cidr(): string {
    return this.#cidr;
  }

  /** A free piece, which is taken from then on; undefined when there is none. */
  take(): string | undefined {
    if (this.#free === 0) return undefined;
    while (this.#taken[this.#next] === 1) this.#next = (this.#next + 1) % this.#taken.length;
    const index = this.#next;
    this.#next = (index + 1) % this.#taken.length;
    this.#set(index, 1);
    return `${addressOfBits(this.#first + (BigInt(index) << this.#shift), this.#family)}/${this.#maskSize}`;
  }

  /** What lies in none of the pieces concerns nobody; a range that covers several takes them all. */
  occupy(cidr: string): void {
    for (const index of this.#piecesOf(cidr)) this.#set(index, 1);
  }

  release(cidr: string): void {
    for (const index of this.#piecesOf(cidr)) this.#set(index, 0);
  }

  #set(index: number, taken: 0 | 1): void {
    if (this.#taken[index] === taken) return;
    this.#taken[index] = taken;
    this.#free += taken === 1 ? -1 : 1;
  }

  *#piecesOf(cidr: string): Generator<number> {
    const [address = "", length] = cidr.split("/");
    if ((isIPv4(address) ? 4 : 6) !== this.#family) return;
    const rest = BigInt((this.#family === 4 ? 32 : 128) - Number(length));
    const first = (addressBits(address) >> rest) << rest;
    const last = first + (1n << rest) - 1n;
    const end = BigInt(this.#taken.length - 1);
    const from = (first - this.#first) >> this.#shift;
    const to = (last - this.#first) >> this.#shift;
    for (let index = from < 0n ? 0n : from; index <= (to > end ? end : to); index++) yield Number(index);
  }
}
