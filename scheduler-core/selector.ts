import type { NodeFacts, NodeSelectorTerm, Requirement } from "./facts.ts";

const WHOLE_NUMBER = /^[+-]?\d+$/;

/** Whether a value (undefined: the key is absent) meets a requirement. Source: apimachinery's labels.Requirement.Matches. */
export function meets(requirement: Requirement, value: string | undefined): boolean {
  switch (requirement.operator) {
    case "In":
      return value !== undefined && requirement.values.includes(value);
    case "NotIn":
      return value === undefined || !requirement.values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt": {
      const bound = requirement.values[0];
      if (value === undefined || bound === undefined || !WHOLE_NUMBER.test(value) || !WHOLE_NUMBER.test(bound)) return false;
      return requirement.operator === "Gt" ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
    }
  }
}

/** Whether a node matches a term. Source: component-helpers' nodeaffinity. */
export function matchesTerm(term: NodeSelectorTerm, node: Pick<NodeFacts, "name" | "labels">): boolean {
  if (term.matchLabels.length === 0 && term.matchFields.length === 0) return false;
  for (const requirement of term.matchLabels) if (!meets(requirement, node.labels[requirement.key])) return false;
  for (const requirement of term.matchFields) {
    if (!meets(requirement, requirement.key === "metadata.name" ? node.name : undefined)) return false;
  }
  return true;
}
