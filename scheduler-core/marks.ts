import { type AffinityTerm, DEFAULT_HARD_AFFINITY_WEIGHT, type PeerFacts, type PeerSelector, selectsPeer } from "./peers.ts";

/** A pod as its peers see it, with the marks that it raises. Shared by all pods of equal facts. */
export interface Peer {
  readonly facts: PeerFacts;
  /** The marks it raises, as of `seen` and `epoch`; read through `Marks.raisedBy`. */
  raised: Int32Array;
  seen: number;
  epoch: number;
}

/** Pods that match every one of these selectors. */
interface Matching {
  readonly mark: number;
  readonly all: readonly PeerSelector[];
  readonly onlyLiving: boolean;
  /** Pods that use this claim, whatever their labels; undefined: no matter. */
  readonly claim: string | undefined;
}

/** Pods that carry a term which means other pods. */
export interface Carrying {
  readonly mark: number;
  readonly term: AffinityTerm;
  /** What a pod that the term means scores for each carrier in its domain; 0: it is kept out instead. */
  readonly weight: number;
  /** The carrier requires to be near such pods: what that is worth to them is for their own profile to say. */
  readonly isRequired: boolean;
}

/**
 * Gives predicates on pods their numbers (marks). A mark is either "matches these selectors", asked for by somebody's term, or
 * "carries this term". Per node it is counted how often its pods raise each mark; all that affinity and spreading ask are sums of
 * those counts over topology domains. A mark is not given up by itself; when most of them are of terms that nobody has any more, all begins anew (`Inventory.tidy`).
 */
export class Marks {
  #count = 0;
  readonly #matching: Matching[] = [];
  readonly #matchingByKey = new Map<string, number>();
  readonly #carrying: Carrying[] = [];
  readonly #carryingByKey = new Map<string, number>();
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  /** Grows when the labels of a namespace change, which can change what any pod raises. */
  #epoch = 0;

  /** Begins anew, with the labels of namespaces that others knew. */
  static after(former: Marks): Marks {
    const marks = new Marks();
    for (const [name, labels] of former.#namespaces) marks.#namespaces.set(name, labels);
    // What peers know of their marks is of the others.
    marks.#epoch = former.#epoch + 1;
    return marks;
  }

  get count(): number {
    return this.#count;
  }

  /** Changes when a class's relations may have changed. */
  get version(): string {
    return `${this.#count}/${this.#epoch}`;
  }

  peer(facts: PeerFacts): Peer {
    return { facts, raised: new Int32Array(0), seen: -1, epoch: this.#epoch };
  }

  /** The mark of the pods that match all these selectors. A new one asks the caller to count it: `isNew`. */
  matching(all: readonly PeerSelector[], onlyLiving: boolean): { readonly mark: number; readonly isNew: boolean } {
    const key = JSON.stringify([all, onlyLiving]);
    const known = this.#matchingByKey.get(key);
    if (known !== undefined) return { mark: known, isNew: false };
    const mark = this.#count++;
    this.#matchingByKey.set(key, mark);
    this.#matching.push({ mark, all, onlyLiving, claim: undefined });
    return { mark, isNew: true };
  }

  /** The mark of the pods that use a claim. A new one asks the caller to count it. */
  using(claim: string): { readonly mark: number; readonly isNew: boolean } {
    const key = `claim ${claim}`;
    const known = this.#matchingByKey.get(key);
    if (known !== undefined) return { mark: known, isNew: false };
    const mark = this.#count++;
    this.#matchingByKey.set(key, mark);
    this.#matching.push({ mark, all: [], onlyLiving: false, claim });
    return { mark, isNew: true };
  }

  /** The terms of others that mean this pod. */
  carryingFor(facts: PeerFacts): Carrying[] {
    return this.#carrying.filter(({ term }) => this.selects(term.selector, facts));
  }

  selects(selector: PeerSelector, facts: PeerFacts): boolean {
    return selectsPeer(selector, facts, this.#namespaces.get(facts.namespace) ?? {});
  }

  /** Sets a namespace's labels; false when no mark or term asks for them. */
  setNamespace(name: string, labels: Readonly<Record<string, string>> | undefined): boolean {
    if (JSON.stringify(this.#namespaces.get(name)) === JSON.stringify(labels)) return false;
    if (labels === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, labels);
    const asksForLabels = ({ namespaceLabels }: PeerSelector): boolean => namespaceLabels !== undefined;
    const isAsked =
      this.#matching.some(({ all }) => all.some(asksForLabels)) || this.#carrying.some(({ term }) => asksForLabels(term.selector));
    if (!isAsked) return false;
    this.#epoch++;
    return true;
  }

  /** The marks that a pod raises, one entry a time; worked out anew where marks have been added since. */
  raisedBy(peer: Peer): Int32Array {
    if (peer.seen === this.#matching.length && peer.epoch === this.#epoch) return peer.raised;
    const from = peer.epoch === this.#epoch ? Math.max(0, peer.seen) : 0;
    const isWhole = from === 0;
    const more = isWhole ? this.#carriedBy(peer.facts) : [];
    for (let i = from; i < this.#matching.length; i++) {
      const { mark, all, onlyLiving, claim } = this.#matching[i] as Matching;
      if (claim !== undefined && peer.facts.claims?.includes(claim) !== true) continue;
      if (onlyLiving && peer.facts.isTerminating) continue;
      if (all.every((selector) => this.selects(selector, peer.facts))) more.push(mark);
    }
    if (isWhole || more.length > 0) peer.raised = Int32Array.from(isWhole ? more : [...peer.raised, ...more]);
    peer.seen = this.#matching.length;
    peer.epoch = this.#epoch;
    return peer.raised;
  }

  #carriedBy({ affinity, antiAffinity, preferred }: PeerFacts): number[] {
    return [
      ...antiAffinity.map((term) => this.#carryingMark(term, 0, false)),
      ...affinity.map((term) => this.#carryingMark(term, DEFAULT_HARD_AFFINITY_WEIGHT, true)),
      ...preferred.map(({ term, weight }) => this.#carryingMark(term, weight, false)),
    ];
  }

  #carryingMark(term: AffinityTerm, weight: number, isRequired: boolean): number {
    const key = JSON.stringify([term, weight, isRequired]);
    let mark = this.#carryingByKey.get(key);
    if (mark === undefined) {
      mark = this.#count++;
      this.#carryingByKey.set(key, mark);
      this.#carrying.push({ mark, term, weight, isRequired });
    }
    return mark;
  }
}
