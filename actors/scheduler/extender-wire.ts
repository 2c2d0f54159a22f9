import type { Node, Pod } from "../kinds/generated/types.ts";

/*
 * What goes to extenders and comes back. The fields are named as Go names them where a type says nothing else, and as Go does, those of
 * answers are read whatever the case of their letters. Source: k8s.io/kube-scheduler/extender/v1.
 */

/** Who would have to go on one node. */
export interface Victims {
  readonly pods: readonly Pod[];
  /** How many of them a disruption budget does not allow to go. */
  readonly violations: number;
}

/** The same as an extender answers it: pods by uid. */
export interface NamedVictims {
  readonly uids: readonly string[];
  readonly violations: number;
}

export interface FilterAnswer {
  /** Undefined: it says nothing, and all are left. */
  readonly left: readonly string[] | undefined;
  readonly failed: ReadonlyMap<string, string>;
  readonly error: string;
}

/** About nodes that an extender knows, by their names. */
export function argsOfNames(pod: Pod, names: readonly string[]): object {
  return { Pod: typed(pod), Nodes: null, NodeNames: names };
}

export function argsOfNodes(pod: Pod, nodes: readonly Node[]): object {
  return { Pod: typed(pod), Nodes: { apiVersion: "v1", kind: "NodeList", metadata: {}, items: nodes }, NodeNames: null };
}

export function bindingArgs({ metadata }: Pod, node: string): object {
  return { PodName: metadata.name, PodNamespace: metadata.namespace, PodUID: metadata.uid, Node: node };
}

/** `known`: the extender knows the pods, and their uids do. */
export function preemptionArgs(pod: Pod, victims: ReadonlyMap<string, Victims>, known: boolean): object {
  const each = (podsOf: (pods: readonly Pod[]) => object) =>
    Object.fromEntries([...victims].map(([node, { pods, violations }]) => [node, { Pods: podsOf(pods), NumPDBViolations: violations }]));
  return {
    Pod: typed(pod),
    NodeNameToVictims: known ? null : each((pods) => pods.map(typed)),
    NodeNameToMetaVictims: known ? each((pods) => pods.map(({ metadata }) => ({ UID: metadata.uid }))) : null,
  };
}

export function filterAnswer(answer: unknown): FilterAnswer {
  const { nodenames, nodes, failednodes, failedandunresolvablenodes, error } = fields(answer);
  const items = fields(nodes).items;
  const named = Array.isArray(nodenames) ? nodenames : Array.isArray(items) ? items.map((item) => (item as Node).metadata.name) : undefined;
  const failed = Object.entries({ ...entries(failednodes), ...entries(failedandunresolvablenodes) });
  return { left: named?.map(String), failed: new Map(failed.map(([node, why]) => [node, String(why)])), error: words(error) };
}

/** Scores by host. */
export function prioritizeAnswer(answer: unknown): readonly (readonly [string, number])[] {
  if (!Array.isArray(answer)) return [];
  return answer.map(fields).map(({ host, score }) => [String(host), Number(score) || 0]);
}

/** What was wrong; "": nothing. */
export function bindingAnswer(answer: unknown): string {
  return words(fields(answer).error);
}

export function preemptionAnswer(answer: unknown): ReadonlyMap<string, NamedVictims> {
  const nodes = Object.entries(entries(fields(answer).nodenametometavictims));
  return new Map(
    nodes.map(([node, victims]) => {
      const { pods, numpdbviolations } = fields(victims);
      const uids = Array.isArray(pods) ? pods.map((pod) => String(fields(pod).uid)) : [];
      return [node, { uids, violations: Number(numpdbviolations) || 0 }];
    }),
  );
}

function typed(pod: Pod): object {
  return { kind: "Pod", apiVersion: "v1", ...pod };
}

function words(error: unknown): string {
  return typeof error === "string" ? error : "";
}

function entries(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(entries(value)).map(([name, each]) => [name.toLowerCase(), each]));
}
