/** What every cluster has, and nobody may change. Source: apiserver's pkg/apis/flowcontrol/bootstrap/default.go. */
import type { FlowSchemaSpec, PriorityLevelConfigurationSpec } from "../generated/types.ts";

type Rule = NonNullable<FlowSchemaSpec["rules"]>[number];

/** All that these groups ask. */
export function everything(subjects: Rule["subjects"]): Rule {
  const all = { verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] };
  return { subjects, resourceRules: [all], nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }] };
}

export function group(name: string): Rule["subjects"][number] {
  return { kind: "Group", group: { name } };
}

export const MANDATORY_SCHEMAS: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: {
    priorityLevelConfiguration: { name: "exempt" },
    matchingPrecedence: 1,
    rules: [everything([group("system:masters")])],
  },
  "catch-all": {
    priorityLevelConfiguration: { name: "catch-all" },
    matchingPrecedence: 10_000,
    distinguisherMethod: { type: "ByUser" },
    rules: [everything([group("system:unauthenticated"), group("system:authenticated")])],
  },
};

export const MANDATORY_LEVELS: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  exempt: { type: "Exempt", exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  "catch-all": { type: "Limited", limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: "Reject" } } },
};
