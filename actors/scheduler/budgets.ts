import { type PeerFacts, type Requirement, selectsPeer } from "../../scheduler-core/mod.ts";
import type { PodDisruptionBudget } from "../kinds/generated/types.ts";
import { resourceOf } from "../kinds/kind.ts";
import { PodDisruptionBudgetKind } from "../kinds/policy/pod-disruption-budget.ts";
import type { Objects } from "./objects.ts";
import { requirementsOf } from "./peer-facts.ts";

interface Budget {
  readonly namespace: string;
  readonly labels: readonly Requirement[];
  /** Pods whose end the API server has counted already. */
  readonly disrupted: ReadonlySet<string>;
}

/** The disruption budgets as they stand, and what has been taken from them since they were read. */
export class Budgets {
  /** By number of the budget, how many disruptions it allows. */
  readonly allowed: number[] = [];
  /** Equal when there are the same budgets for the same pods, whatever they allow. */
  readonly key: string;
  readonly #budgets: Budget[] = [];

  constructor(view: Objects) {
    for (const entry of view.list(resourceOf(PodDisruptionBudgetKind))) {
      const { metadata, spec, status } = view.decode<PodDisruptionBudget>(entry);
      const labels = requirementsOf(spec.selector);
      // For preemption, unlike for eviction, an empty selector means nobody. Source: filterPodsWithPDBViolation.
      if (labels === undefined || labels.length === 0) continue;
      this.#budgets.push({ namespace: metadata.namespace ?? "", labels, disrupted: new Set(Object.keys(status?.disruptedPods ?? {})) });
      this.allowed.push(status?.disruptionsAllowed ?? 0);
    }
    this.key = JSON.stringify(this.#budgets.map(({ namespace, labels, disrupted }) => [namespace, labels, [...disrupted]]));
  }

  /** The numbers of the budgets that the pod's end counts against. */
  of(facts: PeerFacts, name: string): number[] {
    if (Object.keys(facts.labels).length === 0) return [];
    return this.#budgets.flatMap(({ namespace, labels, disrupted }, number) => {
      const selector = { namespaces: [namespace], namespaceLabels: undefined, labels };
      return selectsPeer(selector, facts, {}) && !disrupted.has(name) ? [number] : [];
    });
  }

  take(numbers: readonly number[]): void {
    for (const number of numbers) this.allowed[number] = (this.allowed[number] ?? 0) - 1;
  }
}
