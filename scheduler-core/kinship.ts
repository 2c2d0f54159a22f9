import type { Marks, Peer } from "./marks.ts";
import { type AffinityTerm, DEFAULT_HARD_AFFINITY_WEIGHT, type PeerFacts, type PeerSelector, type SpreadConstraint } from "./peers.ts";
import { MATCHES_AFFINITY, type MarkedKey, type Relations, type SpreadRule, TOLERATES_TAINTS, type WeighedKey } from "./relations.ts";
import type { TopologyKeys } from "./topology-keys.ts";

const HOSTNAME = "kubernetes.io/hostname";
/** How many domains a key has is filled in when a class is made ready. */
const UNCOUNTED = 0;

/** What a peer's terms, and the terms of others that mean it, come to in marks and keys. */
export interface Kinship {
  readonly marks: Int32Array;
  /** Undefined: no other pod has a say. */
  readonly relations: Omit<Relations, "eligible"> | undefined;
  /** Equal for peers that other pods have the same say in; empty: none has. */
  readonly key: string;
}

/** How marks and keys that a term needs come to be counted. */
export interface Counting {
  matching(all: readonly PeerSelector[], onlyLiving: boolean): number;
  using(claim: string): number;
  key(topologyKey: string): number;
}

/** Works out a peer's kinship; asks for marks and keys that nobody has asked for before. */
export function kinshipOf(peer: Peer, marks: Marks, counting: Counting): Kinship {
  const { facts } = peer;
  const marked = (mark: number, topologyKey: string): MarkedKey => ({ mark, key: counting.key(topologyKey), domains: UNCOUNTED });
  const matching = (term: AffinityTerm): MarkedKey => marked(counting.matching([term.selector], false), term.topologyKey);
  const selectors = facts.affinity.map(({ selector }) => selector);
  const affinity = facts.affinity.map(({ topologyKey }) => marked(counting.matching(selectors, false), topologyKey));
  const antiAffinity = facts.antiAffinity.map(matching);
  const own = facts.preferred.map(({ term, weight }): WeighedKey => ({ ...matching(term), weight }));
  const rules = facts.spread.map((constraint) => ({ isHard: constraint.isHard, rule: ruleOf(constraint, facts, marks, counting) }));
  const exclusive = (facts.exclusiveClaims ?? []).map((claim) => counting.using(claim));
  // Its own terms first become marks, so that those it shares with others are among those that mean it.
  const raised = marks.raisedBy(peer);
  const others = marks.carryingFor(facts);
  const repelled = others.filter(({ weight }) => weight === 0).map(({ mark, term }) => marked(mark, term.topologyKey));
  const isIgnorant = facts.ignoresPreferencesOfOthers === true && own.length === 0;
  const drawn = others
    .filter(({ weight }) => weight !== 0 && !isIgnorant)
    .map((other) => ({ ...other, weight: other.isRequired ? (facts.hardAffinityWeight ?? DEFAULT_HARD_AFFINITY_WEIGHT) : other.weight }))
    .filter(({ weight }) => weight !== 0);
  const weighed = [...own, ...drawn.map(({ mark, term, weight }): WeighedKey => ({ ...marked(mark, term.topologyKey), weight }))];
  const hardSpread = rules.filter(({ isHard }) => isHard).map(({ rule }) => rule);
  const softSpread = rules.filter(({ isHard }) => !isHard).map(({ rule }) => rule);
  const lists = [affinity, antiAffinity, repelled, weighed, hardSpread, softSpread, exclusive];
  if (lists.every(({ length }) => length === 0)) return { marks: raised, relations: undefined, key: "" };
  const matchesItself = selectors.every((selector) => marks.selects(selector, facts));
  const { spreadNeedsAllKeys } = facts;
  return {
    marks: raised,
    relations: { affinity, matchesItself, antiAffinity, repelled, weighed, hardSpread, softSpread, spreadNeedsAllKeys, exclusive },
    key: JSON.stringify([lists, matchesItself, spreadNeedsAllKeys]),
  };
}

/** The relations with the number of domains that each key has now. */
export function counted(relations: Omit<Relations, "eligible">, keys: TopologyKeys, eligible: Uint8Array): Relations {
  const fill = <T extends MarkedKey>(list: readonly T[]): T[] => list.map((what) => ({ ...what, domains: keys.domains(what.key) }));
  return {
    ...relations,
    affinity: fill(relations.affinity),
    antiAffinity: fill(relations.antiAffinity),
    repelled: fill(relations.repelled),
    weighed: fill(relations.weighed),
    hardSpread: fill(relations.hardSpread),
    softSpread: fill(relations.softSpread),
    eligible,
  };
}

function ruleOf(constraint: SpreadConstraint, facts: PeerFacts, marks: Marks, counting: Counting): SpreadRule {
  const { topologyKey, maxSkew, minDomains, labels, honorsAffinity, honorsTaints } = constraint;
  const selector: PeerSelector = { namespaces: [facts.namespace], namespaceLabels: undefined, labels };
  return {
    mark: counting.matching([selector], true),
    key: counting.key(topologyKey),
    domains: UNCOUNTED,
    maxSkew,
    minDomains,
    countsItself: marks.selects(selector, facts),
    isHostname: topologyKey === HOSTNAME,
    countsNobody: labels?.length === 0,
    needs: (honorsAffinity ? MATCHES_AFFINITY : 0) | (honorsTaints ? TOLERATES_TAINTS : 0),
  };
}
