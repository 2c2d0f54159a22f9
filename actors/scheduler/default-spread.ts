import type { Requirement, SpreadConstraint } from "../../scheduler-core/mod.ts";
import type { LabelSelector, Pod, Service } from "../kinds/generated/types.ts";
import type { Objects } from "./objects.ts";
import { requirementsOf } from "./peer-facts.ts";

/** A constraint for pods without their own, before it is known which pods are alike. */
export type DefaultConstraint = Pick<SpreadConstraint, "topologyKey" | "maxSkew" | "isHard">;

/** Source: PodTopologySpread's systemDefaultConstraints. */
export const SYSTEM_CONSTRAINTS: readonly DefaultConstraint[] = [
  { topologyKey: "kubernetes.io/hostname", maxSkew: 3, isHard: false },
  { topologyKey: "topology.kubernetes.io/zone", maxSkew: 5, isHard: false },
];

/** Where the selector of a pod's owner is, by its kind. */
const OWNERS: Readonly<Record<string, string>> = {
  "v1/ReplicationController": "replicationcontrollers",
  "apps/v1/ReplicaSet": "replicasets.apps",
  "apps/v1/StatefulSet": "statefulsets.apps",
};
/** Owners whose selectors are remembered. */
const OWNERS_MAX = 16_384;

type Labels = Readonly<Record<string, string>>;

/** Which pods are of one kind with a pod, by the services that select it and by its owner. Source: kube-scheduler's helper.DefaultSelector. */
export class DefaultSpread {
  readonly #view: Objects;
  readonly #services = new Map<string, readonly Labels[]>();
  readonly #owners = new Map<string, readonly Requirement[]>();

  constructor(view: Objects) {
    this.#view = view;
  }

  /** A service of this key has changed. */
  serviceChanged(key: string): void {
    this.#services.delete(namespaceOf(key));
  }

  /** The constraints of a pod that has none of its own; empty when nothing says which pods are alike. */
  constraintsOf(pod: Pod, constraints: readonly DefaultConstraint[]): SpreadConstraint[] {
    if (constraints.length === 0 || (pod.spec.topologySpreadConstraints?.length ?? 0) > 0) return [];
    const labels = this.#alike(pod);
    if (labels.length === 0) return [];
    return constraints.map((constraint) => ({ ...constraint, minDomains: 1, labels, honorsAffinity: true, honorsTaints: false }));
  }

  #alike({ metadata }: Pod): Requirement[] {
    const { namespace = "", labels = {}, ownerReferences = [] } = metadata;
    const merged: Record<string, string> = {};
    for (const selector of this.#servicesIn(namespace)) if (matches(selector, labels)) Object.assign(merged, selector);
    const requirements = requirementsOf({ matchLabels: merged }) ?? [];
    const owner = ownerReferences.find(({ controller }) => controller === true);
    if (owner === undefined) return requirements;
    const resource = OWNERS[`${owner.apiVersion}/${owner.kind}`];
    if (resource === undefined) return requirements;
    // What both ask for is asked once, so that the key of the pods' class does not depend on the order of their making.
    const own = this.#selectorOf(`${resource}/${namespace}/${owner.name}`, owner.uid);
    return [...requirements, ...own.filter(({ key, values }) => merged[key] === undefined || merged[key] !== values[0])];
  }

  #servicesIn(namespace: string): readonly Labels[] {
    const known = this.#services.get(namespace);
    if (known !== undefined) return known;
    const found = this.#view.list("services", namespace).flatMap((entry) => {
      const selector = this.#view.decode<Service>(entry).spec?.selector;
      return selector === undefined || Object.keys(selector).length === 0 ? [] : [selector];
    });
    this.#services.set(namespace, found);
    return found;
  }

  #selectorOf(key: string, uid: string): readonly Requirement[] {
    const known = this.#owners.get(uid);
    if (known !== undefined) return known;
    const owner = this.#view.get<{ metadata: Pod["metadata"]; spec?: { selector?: LabelSelector | Labels } }>(key);
    if (owner === undefined || owner.metadata.uid !== uid) return [];
    const selector = owner.spec?.selector;
    const isOfOldKind = key.startsWith("replicationcontrollers/");
    const found =
      requirementsOf(isOfOldKind ? { matchLabels: { ...(selector as Labels) } } : (selector as LabelSelector | undefined)) ?? [];
    if (this.#owners.size >= OWNERS_MAX) this.#owners.clear();
    this.#owners.set(uid, found);
    return found;
  }
}

function namespaceOf(key: string): string {
  return key.split("/")[1] ?? "";
}

function matches(selector: Labels, labels: Labels): boolean {
  for (const key in selector) if (labels[key] !== selector[key]) return false;
  return true;
}
