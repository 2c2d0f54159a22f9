import { badRequest, notFound } from "../../../actors/kinds/errors.ts";
import type { Node, Pod } from "../../../actors/kinds/generated/types.ts";
import { keyFor } from "../../../actors/kinds/kind.ts";
import { MACHINE_LABEL, RUNTIME_LABEL } from "../../../actors/node/runtime.ts";
import type { PodsContext } from "../context.ts";
import type { ResourceRequest } from "../route.ts";

/** What is asked of a pod. */
export type PodRequest = Pick<ResourceRequest, "namespace" | "name" | "subresource" | "query">;

const PODS = { group: "", plural: "pods" };

/** The pod as it is now. Throws 404. */
export async function podNow(context: Pick<PodsContext, "view" | "newest">, namespace: string, name: string): Promise<Pod> {
  await context.newest();
  const pod = context.view.get<Pod>(keyFor(PODS, namespace, name));
  if (pod === undefined) throw notFound(PODS, name);
  return pod;
}

/** Every container of a pod, whatever it is for, in the order in which they are named to clients. Source: podutil.VisitContainers. */
export function containerNames(pod: Pod): readonly string[] {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec;
  return [...initContainers, ...containers, ...ephemeralContainers].map(({ name }) => name);
}

/** The container that is meant: the named one, or the only one. Throws 400 in Kubernetes' words. Source: validateContainer of pkg/registry/core/pod. */
export function containerOf(pod: Pod, asked: string): string {
  const { name } = pod.metadata;
  const names = containerNames(pod);
  if (asked !== "") {
    if (!names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return asked;
  }
  const [only, ...others] = pod.spec.containers;
  if (only === undefined) throw badRequest(`a container name must be specified for pod ${name}`);
  if (others.length > 0) throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.join(" ")}]`);
  return only.name;
}

/** The node that a pod is on. Throws 400 where it is on none yet. */
export function hostOf(pod: Pod): string {
  const node = pod.spec.nodeName ?? "";
  if (node === "") throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  return node;
}

/** Whether what runs on this node has processes and ports. */
export function hasProcesses(context: Pick<PodsContext, "view">, node: string): boolean {
  const runtime = runtimeOf(context, node);
  return runtime !== undefined && runtime !== "hollow";
}

/** Why nothing on this node can be reached: it is hollow, or it is not played here at all. */
export function whyUnreachable(context: Pick<PodsContext, "view">, node: string): string {
  if (runtimeOf(context, node) === undefined) return `node ${node} is not run by Troupe, which so has no way to its containers`;
  return `node ${node} is hollow: its containers have states, but no processes and no ports`;
}

/** The runtime of a node, played by the cluster itself or a machine that has joined; undefined: the node is not Troupe's. */
export function runtimeOf({ view }: Pick<PodsContext, "view">, node: string): string | undefined {
  const { labels } = view.get<Node>(keyFor({ group: "", plural: "nodes" }, undefined, node))?.metadata ?? {};
  return labels?.[RUNTIME_LABEL] ?? labels?.[MACHINE_LABEL];
}
