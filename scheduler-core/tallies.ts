import { type Cluster, NO_DOMAIN } from "./cluster.ts";
import { Fewest } from "./fewest.ts";
import { grown } from "./ranked-buckets.ts";

/** Keys of so few domains always tell groups apart. */
const COARSE_DOMAINS_MIN = 16;
/** The end of a list of slots. */
const END = -1;

/** In place of a mark: no pod counts, but nodes still qualify. */
export const NOBODY = -1;

/** Which pods are counted, by the domains of which key. */
export interface Counted {
  /** Or NOBODY. */
  readonly mark: number;
  readonly key: number;
  readonly domains: number;
  /** Bits that a node's `eligible` must have for its pods to count. */
  readonly needs: number;
  /** Keys that a node must have all for its pods to count. */
  readonly keys: readonly number[];
}

/**
 * The nodes by the domains of one topology key. A key of few domains is coarse: the domain itself tells groups of nodes apart. One
 * of many (a hostname, a rack) is fine: nodes are told apart by what is counted in their domain, and so that they can be looked at
 * again when that changes, the nodes of each domain are linked.
 */
export class KeyDomains {
  readonly key: number;
  readonly isFine: boolean;
  /** Its number among the coarse keys. */
  readonly column: number;
  /** By slot, as last seen; NO_DOMAIN for slots without a node. */
  readonly domainOf: Int32Array;
  #first: Int32Array;
  readonly #next: Int32Array;
  readonly #before: Int32Array;

  constructor({ key, domains }: Counted, isFine: boolean, column: number, slots: number) {
    this.key = key;
    this.isFine = isFine;
    this.column = column;
    this.domainOf = new Int32Array(slots).fill(NO_DOMAIN);
    this.#first = new Int32Array(isFine ? domains : 0).fill(END);
    this.#next = new Int32Array(isFine ? slots : 0).fill(END);
    this.#before = new Int32Array(isFine ? slots : 0).fill(END);
  }

  move(slot: number, domain: number): void {
    const was = this.domainOf[slot] as number;
    this.domainOf[slot] = domain;
    if (!this.isFine) return;
    if (was !== NO_DOMAIN) this.#unlink(slot, was);
    if (domain !== NO_DOMAIN) this.#link(slot, domain);
  }

  /** The first slot of a domain, or a negative number. */
  first(domain: number): number {
    return this.#first[domain] as number;
  }

  next(slot: number): number {
    return this.#next[slot] as number;
  }

  #link(slot: number, domain: number): void {
    const known = this.#first.length;
    if (domain >= known) this.#first = grown(this.#first, Math.max(domain + 1, 2 * known)).fill(END, known);
    const first = this.#first[domain] as number;
    this.#next[slot] = first;
    this.#before[slot] = END;
    if (first !== END) this.#before[first] = slot;
    this.#first[domain] = slot;
  }

  #unlink(slot: number, domain: number): void {
    const next = this.#next[slot] as number;
    const before = this.#before[slot] as number;
    if (before === END) this.#first[domain] = next;
    else this.#next[before] = next;
    if (next !== END) this.#before[next] = before;
  }
}

/** How many pods with a mark each domain of a key has. */
export class Tally {
  readonly what: Counted;
  readonly domains: KeyDomains;
  /** By domain; grows when domains appear. */
  counts: Int32Array;
  /** Over all domains. */
  total = 0;
  /** By domain, how many nodes qualify. */
  #nodes: Int32Array;
  /** The lowest count over the domains with a node that qualifies. */
  readonly fewest: Fewest = new Fewest();
  /** By slot, what is counted of it, and whether it qualifies. */
  readonly #counted: Int32Array;
  readonly #qualifies: Uint8Array;

  constructor(what: Counted, domains: KeyDomains, slots: number) {
    this.what = what;
    this.domains = domains;
    this.counts = new Int32Array(what.domains);
    this.#nodes = new Int32Array(what.domains);
    this.#counted = new Int32Array(slots);
    this.#qualifies = new Uint8Array(slots);
  }

  /** The count of a node's domain; NO_DOMAIN when it is in none. */
  at(slot: number): number {
    const domain = this.domains.domainOf[slot] as number;
    return domain === NO_DOMAIN ? NO_DOMAIN : (this.counts[domain] as number);
  }

  /** Takes out what was counted of a slot: its domain is about to change. */
  clear(slot: number): void {
    const domain = this.domains.domainOf[slot] as number;
    if (domain === NO_DOMAIN) return;
    this.#change(domain, -(this.#counted[slot] as number), 0, this.#qualifies[slot] as number);
    this.#counted[slot] = 0;
    this.#qualifies[slot] = 0;
  }

  /** Counts a slot as the cluster has it; true when the count of its domain has changed. */
  count(cluster: Cluster, slot: number, eligible: Uint8Array): boolean {
    const domain = this.domains.domainOf[slot] as number;
    if (domain === NO_DOMAIN) return false;
    if (domain >= this.counts.length) {
      const wider = Math.max(domain + 1, 2 * this.counts.length);
      this.counts = grown(this.counts, wider);
      this.#nodes = grown(this.#nodes, wider);
    }
    const { mark, needs, keys } = this.what;
    let qualifies = cluster.live[slot] as number;
    if (needs !== 0 && ((eligible[slot] as number) & needs) !== needs) qualifies = 0;
    for (let i = 0; i < keys.length; i++) {
      if (cluster.domains[slot * cluster.keyColumns + (keys[i] as number)] === NO_DOMAIN) qualifies = 0;
    }
    const times = qualifies === 1 && mark !== NOBODY ? (cluster.marks[slot * cluster.markColumns + mark] as number) : 0;
    const was = this.#counted[slot] as number;
    const did = this.#qualifies[slot] as number;
    if (times === was && qualifies === did) return false;
    this.#counted[slot] = times;
    this.#qualifies[slot] = qualifies;
    this.#change(domain, times - was, qualifies, did);
    return times !== was;
  }

  #change(domain: number, more: number, qualifies: number, did: number): void {
    const count = this.counts[domain] as number;
    const nodes = this.#nodes[domain] as number;
    this.counts[domain] = count + more;
    this.#nodes[domain] = nodes + qualifies - did;
    this.total += more;
    if (nodes > 0 && nodes + qualifies - did > 0) {
      if (more !== 0) this.fewest.move(count, count + more);
    } else if (nodes > 0) this.fewest.leave(count);
    else if (qualifies > did) this.fewest.enter(count + more);
  }
}

/** All that the judges of one class count, kept current node by node. */
export class Tallies {
  readonly #slots: number;
  readonly #nodes: number;
  readonly #keys: KeyDomains[] = [];
  readonly #tallies: Tally[] = [];
  /** Pairs of the number of a fine key and a domain of it whose count has changed, since this was last emptied. */
  readonly stirred: number[] = [];

  /** For slots below `slots`, of which about `nodes` have a node. */
  constructor(slots: number, nodes: number) {
    this.#slots = slots;
    this.#nodes = nodes;
  }

  /** Keys whose domains tell groups apart. */
  get coarse(): readonly KeyDomains[] {
    return this.#keys.filter(({ isFine }) => !isFine);
  }

  /** The tally of this, shared by all who ask for the same. `byDomain`: its domains must be told apart, however many there are. */
  add(what: Counted, byDomain = false): Tally {
    const domains = this.#key(what, byDomain);
    const same = (tally: Tally): boolean => {
      const { mark, needs, keys } = tally.what;
      return tally.domains === domains && mark === what.mark && needs === what.needs && keys.join() === what.keys.join();
    };
    let tally = this.#tallies.find(same);
    if (tally === undefined) {
      tally = new Tally(what, domains, this.#slots);
      this.#tallies.push(tally);
    }
    return tally;
  }

  /** Takes in one node as it is now. Domains whose count that has changed are `stirred`, if their key is fine. */
  refresh(cluster: Cluster, slot: number, eligible: Uint8Array): void {
    const isLive = cluster.live[slot] === 1;
    for (let i = 0; i < this.#keys.length; i++) {
      const domains = this.#keys[i] as KeyDomains;
      const domain = isLive ? (cluster.domains[slot * cluster.keyColumns + domains.key] as number) : NO_DOMAIN;
      const was = domains.domainOf[slot] as number;
      if (domain === was) continue;
      for (const tally of this.#tallies) if (tally.domains === domains) tally.clear(slot);
      if (domains.isFine && was !== NO_DOMAIN) this.stirred.push(i, was);
      domains.move(slot, domain);
    }
    for (let i = 0; i < this.#tallies.length; i++) {
      const tally = this.#tallies[i] as Tally;
      if (!tally.count(cluster, slot, eligible) || !tally.domains.isFine) continue;
      this.stirred.push(this.#keys.indexOf(tally.domains), tally.domains.domainOf[slot] as number);
    }
  }

  keyAt(number: number): KeyDomains {
    return this.#keys[number] as KeyDomains;
  }

  /** One key can be coarse for who needs its domains, and fine for the others. */
  #key(what: Counted, byDomain: boolean): KeyDomains {
    const { key, domains } = what;
    const isFine = !byDomain && domains > COARSE_DOMAINS_MIN && domains * domains > this.#nodes;
    let known = this.#keys.find((other) => other.key === key && other.isFine === isFine);
    if (known === undefined) {
      known = new KeyDomains(what, isFine, this.coarse.length, this.#slots);
      this.#keys.push(known);
    }
    return known;
  }
}
