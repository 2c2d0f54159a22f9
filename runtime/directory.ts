import { type Address, keyOf, kindOf } from "./address.ts";
import { HOST_KIND } from "./host-actor.ts";

/** A host that takes part, and the kinds of actors that it offers. */
export interface Member {
  readonly host: string;
  readonly kinds: readonly string[];
}

const HOST_ADDRESSES = `${HOST_KIND}/`;

interface Candidate {
  readonly host: string;
  readonly hash: number;
}

/**
 * The host where this address lives, or undefined when no member offers its kind. Rendezvous hashing (Thaler and Ravishankar,
 * "A name-based mapping scheme for rendezvous"): each host gets a weight from its name and the address, the heaviest wins, so that when a member
 * leaves only the addresses it had move. A kind that one host offers is thereby pinned to it. The order of `members` does not matter. Only
 * the actors of the kind HOST_KIND live on the host that their key names.
 */
export function placeOf(address: Address, members: readonly Member[]): string | undefined {
  return heaviest(address, candidatesOf(kindOf(address), members));
}

/** Addresses that live on a certain host for as long as it is there and offers their kind. */
export type Pins = Readonly<Record<Address, string>>;

const NO_PINS: Pins = {};

/** Who is there and offers what; every host of a cluster is given the same members. */
export class Directory {
  #members: readonly Member[];
  #pins: Pins;
  #candidates = new Map<string, readonly Candidate[]>();
  readonly #watchers = new Set<(moved: (address: Address) => boolean) => void>();

  constructor(members: readonly Member[], pins: Pins = NO_PINS) {
    this.#members = members;
    this.#pins = pins;
    this.#index();
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** As `placeOf` over the present members, but pinned addresses first. */
  placeOf(address: Address): string | undefined {
    return placeAmong(address, this.#candidates, this.#pins);
  }

  /** Puts other members in place of the present ones; hosts then let go of the actors that live elsewhere now. */
  update(members: readonly Member[], pins: Pins = this.#pins): void {
    const before = this.#candidates;
    const pinsBefore = this.#pins;
    this.#members = members;
    this.#pins = pins;
    this.#index();
    const moved = (address: Address): boolean => placeAmong(address, before, pinsBefore) !== this.placeOf(address);
    for (const watcher of this.#watchers) watcher(moved);
  }

  /** Calls `watcher` after each update, with a test for the addresses whose place has changed. Returns the end of it. */
  watch(watcher: (moved: (address: Address) => boolean) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #index(): void {
    const kinds = new Set(this.#members.flatMap((member) => member.kinds));
    this.#candidates = new Map([...kinds].map((kind) => [kind, candidatesOf(kind, this.#members)]));
  }
}

function placeAmong(address: Address, candidates: ReadonlyMap<string, readonly Candidate[]>, pins: Pins): string | undefined {
  const own = candidates.get(kindOf(address));
  if (own === undefined) return undefined;
  const pin = pins === NO_PINS ? undefined : pins[address];
  return pin !== undefined && own.some(({ host }) => host === pin) ? pin : heaviest(address, own);
}

function candidatesOf(kind: string, members: readonly Member[]): readonly Candidate[] {
  return members.filter((member) => member.kinds.includes(kind)).map(({ host }) => ({ host, hash: mixed(hashOf(host)) }));
}

function heaviest(address: Address, candidates: readonly Candidate[]): string | undefined {
  if (address.startsWith(HOST_ADDRESSES)) return candidates.find(({ host }) => host === keyOf(address))?.host;
  const only = candidates[0];
  if (candidates.length < 2 || only === undefined) return only?.host;
  const hash = hashOf(address);
  let best = only.host;
  let weight = -1;
  for (const candidate of candidates) {
    const own = mixed(hash ^ candidate.hash);
    if (own > weight || (own === weight && candidate.host > best)) {
      best = candidate.host;
      weight = own;
    }
  }
  return best;
}

/** FNV-1a over UTF-16 code units, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

/** Spreads every bit of a 32-bit hash over all bits (the finalizer of MurmurHash3); unsigned. */
function mixed(hash: number): number {
  let bits = hash ^ (hash >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
