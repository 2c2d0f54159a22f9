import { matchesTerm, type NodeSelectorTerm } from "../../../scheduler-core/mod.ts";
import type { NodeSelector } from "../../kinds/generated/types.ts";
import { termOf } from "../facts.ts";

const known = new WeakMap<NodeSelector, readonly NodeSelectorTerm[]>();

/** Whether a node of this name and with these labels meets one of the terms. */
export function meetsTerms(selector: NodeSelector, name: string, labels: Readonly<Record<string, string>>): boolean {
  let terms = known.get(selector);
  if (terms === undefined) {
    terms = selector.nodeSelectorTerms.map(termOf);
    known.set(selector, terms);
  }
  return terms.some((term) => matchesTerm(term, { name, labels }));
}
