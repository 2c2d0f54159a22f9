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
export interface Matching {
  readonly mark: number;
  /** How many there were before it. */
  readonly index: number;
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
  #matchings = 0;
  readonly #matchingByKey = new Map<string, Matching>();
  /** Those that want one label of pods in listed namespaces, as most do, by both; the oldest first. A pod is asked of none of the others. */
  readonly #filed = new Map<string, Matching[]>();
  readonly #unfiled: Matching[] = [];
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
  matching(all: readonly PeerSelector[], onlyLiving: boolean): { readonly matching: Matching; readonly isNew: boolean } {
    return this.#known(JSON.stringify([all, onlyLiving]), all, onlyLiving, undefined);
  }

  /** The mark of the pods that use a claim. A new one asks the caller to count it. */
  using(claim: string): { readonly matching: Matching; readonly isNew: boolean } {
    return this.#known(`claim ${claim}`, [], false, claim);
  }

  #known(
    key: string,
    all: readonly PeerSelector[],
    onlyLiving: boolean,
    claim: string | undefined,
  ): { readonly matching: Matching; readonly isNew: boolean } {
    const known = this.#matchingByKey.get(key);
    if (known !== undefined) return { matching: known, isNew: false };
    const matching: Matching = { mark: this.#count++, index: this.#matchings++, all, onlyLiving, claim };
    this.#matchingByKey.set(key, matching);
    this.#file(matching);
    return { matching, isNew: true };
  }

  #file(matching: Matching): void {
    const namespaces = namespacesOf(matching);
    const label = matching.all
      .flatMap(({ labels }) => labels ?? [])
      .find(({ operator, values }) => operator === "In" && values.length === 1);
    if (namespaces === undefined || label === undefined) {
      this.#unfiled.push(matching);
      return;
    }
    for (const namespace of namespaces) {
      const place = placeOf(namespace, label.key, label.values[0] ?? "");
      const there = this.#filed.get(place);
      if (there === undefined) this.#filed.set(place, [matching]);
      else there.push(matching);
    }
  }

  /** Whether such pods raise the mark. */
  meets({ all, onlyLiving, claim }: Matching, facts: PeerFacts): boolean {
    if (claim !== undefined && facts.claims?.includes(claim) !== true) return false;
    if (onlyLiving && facts.isTerminating) return false;
    return all.every((selector) => this.selects(selector, facts));
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
      [...this.#matchingByKey.values()].some(({ all }) => all.some(asksForLabels)) ||
      this.#carrying.some(({ term }) => asksForLabels(term.selector));
    if (!isAsked) return false;
    this.#epoch++;
    return true;
  }

  /** The marks that a pod raises, one entry a time; worked out anew where marks have been added since. */
  raisedBy(peer: Peer): Int32Array {
    if (peer.seen === this.#matchings && peer.epoch === this.#epoch) return peer.raised;
    const from = peer.epoch === this.#epoch ? Math.max(0, peer.seen) : 0;
    const isWhole = from === 0;
    const carried = isWhole ? this.#carriedBy(peer.facts) : [];
    const met: number[] = [];
    const add = (there: readonly Matching[]): void => {
      for (let i = there.length - 1; i >= 0; i--) {
        const matching = there[i] as Matching;
        if (matching.index < from) break;
        if (this.meets(matching, peer.facts)) met.push(matching.mark);
      }
    };
    add(this.#unfiled);
    const { namespace, labels } = peer.facts;
    for (const key in labels) {
      const there = this.#filed.get(placeOf(namespace, key, labels[key] ?? ""));
      if (there !== undefined) add(there);
    }
    // In order, so that peers that raise the same marks are known to.
    met.sort((a, b) => a - b);
    if (isWhole || met.length > 0) peer.raised = Int32Array.from([...(isWhole ? carried : peer.raised), ...met]);
    peer.seen = this.#matchings;
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

/** The namespaces that all such pods are in; undefined: any. */
export function namespacesOf({ all }: Matching): ReadonlySet<string> | undefined {
  const restricting = all.find(({ namespaceLabels }) => namespaceLabels === undefined);
  return restricting === undefined ? undefined : new Set(restricting.namespaces);
}

function placeOf(namespace: string, key: string, value: string): string {
  return `${namespace}\n${key}=${value}`;
}
