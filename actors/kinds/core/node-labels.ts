/** Labels of nodes that have others in their place now. Source: pkg/api/node/util.go. */
import type { LabelSelector, NodeSelectorTerm } from "../generated/types.ts";
import { labelValue } from "../names.ts";

const DEPRECATED: Readonly<Record<string, string>> = {
  "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
  "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  "app.kubernetes.io/created-by": "deprecated since v1.9",
  "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
  "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
};

const STABLE: Readonly<Record<string, string>> = {
  "beta.kubernetes.io/arch": "kubernetes.io/arch",
  "beta.kubernetes.io/os": "kubernetes.io/os",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
};

/** The label that has taken the place of another. */
export function stableLabel(key: string): string | undefined {
  return Object.hasOwn(STABLE, key) ? STABLE[key] : undefined;
}

/** What to say of a label; undefined: nothing. */
export function deprecatedLabel(key: string): string | undefined {
  return Object.hasOwn(DEPRECATED, key) ? DEPRECATED[key] : undefined;
}

/** The keys of a map of labels that should be others, each as `field` says where it is. */
export function labelWarnings(labels: Readonly<Record<string, string>> | undefined, field: (key: string) => string): string[] {
  return Object.keys(labels ?? {}).flatMap((key) => {
    const words = deprecatedLabel(key);
    return words === undefined ? [] : [`${field(key)}: ${words}`];
  });
}

function expressionWarnings(expressions: readonly { readonly key: string }[] | undefined, field: string): string[] {
  return (expressions ?? []).flatMap(({ key }, index) => {
    const words = deprecatedLabel(key);
    return words === undefined ? [] : [`${field}.matchExpressions[${index}].key: ${key} is ${words}`];
  });
}

export function selectorWarnings(selector: LabelSelector | undefined, field: string): string[] {
  return [
    ...expressionWarnings(selector?.matchExpressions, field),
    ...labelWarnings(selector?.matchLabels, (key) => `${field}.matchLabels.${key}`),
  ];
}

/** `values`: whether what is asked of the labels is looked at, too. */
export function termWarnings({ matchExpressions = [] }: NodeSelectorTerm, values: boolean, field: string): string[] {
  return matchExpressions.flatMap((expression, index) => {
    const path = `${field}.matchExpressions[${index}]`;
    const words = deprecatedLabel(expression.key);
    const wrong = (values ? (expression.values ?? []) : []).flatMap((value, place) =>
      labelValue(value).map((message) => `${path}.values[${place}]: ${value} is invalid, ${message}`),
    );
    return [...(words === undefined ? [] : [`${path}.key: ${expression.key} is ${words}`]), ...wrong];
  });
}
