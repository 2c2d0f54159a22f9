import type {
  DaemonSet,
  Deployment,
  EndpointSlice,
  HorizontalPodAutoscaler,
  Job,
  PersistentVolume,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  ReplicaSet,
  ResourceQuota,
  StatefulSet,
} from "../../actors/kinds/generated/types.ts";
import type { Node, Pod, Service } from "../../actors/mod.ts";
import { claimsOf, controllerOf, isActive, isOver, isReady, type Ledger, milliOf, nodesOfVolumes, pinnedTo, requestsOf } from "./ledger.ts";

/** Everything that is not as it should be when nothing has gone wrong and nobody has asked for anything for a while. */
export function unsettled(ledger: Ledger): readonly string[] {
  return [
    ...nodes(ledger),
    ...pods(ledger),
    ...deployments(ledger),
    ...replicaSets(ledger),
    ...statefulSets(ledger),
    ...daemonSets(ledger),
    ...jobs(ledger),
    ...endpoints(ledger),
    ...budgets(ledger),
    ...quotas(ledger),
    ...autoscalers(ledger),
    ...volumes(ledger),
    ...namespaces(ledger),
  ];
}

function nodes(ledger: Ledger): string[] {
  return ledger.all<Node>("nodes").flatMap((node) => {
    const key = `nodes/${node.metadata.name}`;
    if (!isReady(node)) return [`${key} is not ready`];
    const taints = (node.spec.taints ?? []).filter(({ key: taint }) => taint !== "node.kubernetes.io/unschedulable");
    return taints.length === 0 ? [] : [`${key} is ready and has the taint ${taints[0]?.key}`];
  });
}

function pods(ledger: Ledger): string[] {
  return ledger.all<Pod>("pods").flatMap((pod) => {
    const key = `pods/${pod.metadata.namespace}/${pod.metadata.name}`;
    const owner = controllerOf(pod);
    if (owner !== undefined && !ledger.hasUid(owner.uid)) return [`${key} has lost its owner ${owner.kind}/${owner.name}`];
    if (pod.metadata.deletionTimestamp !== undefined) return [`${key} is on its way out`];
    if (isOver(pod)) return [];
    if (pod.spec.nodeName === undefined) {
      const node = ledger.all<Node>("nodes").find((one) => takes(ledger, one, pod));
      return node === undefined ? [] : [`${key} waits for a node, and nodes/${node.metadata.name} has room`];
    }
    if (ledger.get(`nodes/${pod.spec.nodeName}`) === undefined) return [`${key} is on nodes/${pod.spec.nodeName}, which is gone`];
    return isReady(pod) || pod.spec.restartPolicy !== "Always" ? [] : [`${key} is on a node and not ready`];
  });
}

/** Whether a plain pod can go there, without selectors and tolerations, or a DaemonSet's, which are for one node and tolerate what befalls it. */
function takes(ledger: Ledger, node: Node, pod: Pod): boolean {
  const pin = pinnedTo(pod);
  if (pin !== undefined) return pin === node.metadata.name && hasRoom(ledger, node, pod);
  if (nodesOfVolumes(ledger, pod)?.includes(node.metadata.name) === false) return false;
  if (node.spec.unschedulable === true || (node.spec.taints ?? []).length > 0) return false;
  if (pod.spec.affinity !== undefined || pod.spec.nodeSelector !== undefined || pod.spec.schedulingGates !== undefined) return false;
  if (pod.spec.containers.some(({ ports }) => ports?.some(({ hostPort }) => hostPort))) return false;
  return hasRoom(ledger, node, pod);
}

function hasRoom(ledger: Ledger, node: Node, pod: Pod): boolean {
  const others = ledger.podsOn(node.metadata.name).filter((one) => !isOver(one));
  return [...requestsOf(pod)].every(([resource, milli]) => {
    const used = others.reduce((sum, one) => sum + (requestsOf(one).get(resource) ?? 0), 0);
    return used + milli <= milliOf(resource, node.status?.allocatable?.[resource] ?? "0");
  });
}

/** Whether the owner has pods that nobody can place or that a quota keeps out: then it cannot be whole. */
function isShort(ledger: Ledger, namespace: string | undefined, owned: readonly Pod[]): boolean {
  if (owned.some((pod) => isActive(pod) && pod.spec.nodeName === undefined)) return true;
  return ledger.all<ResourceQuota>("resourcequotas").some((quota) => quota.metadata.namespace === namespace);
}

function deployments(ledger: Ledger): string[] {
  return ledger.all<Deployment>("deployments.apps").flatMap((deployment) => {
    const { metadata, spec, status = {} } = deployment;
    const key = `deployments.apps/${metadata.namespace}/${metadata.name}`;
    if (metadata.deletionTimestamp !== undefined) return [`${key} is on its way out`];
    if (status.observedGeneration !== metadata.generation)
      return [`${key} has not been looked at since generation ${status.observedGeneration}`];
    if (spec?.paused === true) return [];
    const sets = ledger.all<ReplicaSet>("replicasets.apps").filter((set) => controllerOf(set)?.uid === metadata.uid);
    if (sets.some((set) => isShort(ledger, metadata.namespace, ledger.podsOf(set.metadata.uid)))) return [];
    const wanted = spec?.replicas ?? 1;
    const counts = { replicas: status.replicas ?? 0, updated: status.updatedReplicas ?? 0, available: status.availableReplicas ?? 0 };
    return Object.entries(counts).flatMap(([what, count]) =>
      count === wanted ? [] : [`${key} wants ${wanted} and says ${what}: ${count}`],
    );
  });
}

function replicaSets(ledger: Ledger): string[] {
  return ledger.all<ReplicaSet>("replicasets.apps").flatMap(({ metadata, spec, status }) => {
    const key = `replicasets.apps/${metadata.namespace}/${metadata.name}`;
    const owner = controllerOf({ metadata });
    if (owner !== undefined && !ledger.hasUid(owner.uid)) return [`${key} has lost its owner ${owner.kind}/${owner.name}`];
    const own = ledger.podsOf(metadata.uid).filter(isActive);
    if (isShort(ledger, metadata.namespace, own)) return [];
    const wanted = spec?.replicas ?? 1;
    if (own.length !== wanted) return [`${key} wants ${wanted} and has ${own.length} pods`];
    const ready = own.filter(isReady).length;
    return (status?.readyReplicas ?? 0) === ready ? [] : [`${key} has ${ready} ready pods and says ${status?.readyReplicas ?? 0}`];
  });
}

function statefulSets(ledger: Ledger): string[] {
  return ledger.all<StatefulSet>("statefulsets.apps").flatMap(({ metadata, spec, status }) => {
    const key = `statefulsets.apps/${metadata.namespace}/${metadata.name}`;
    if (metadata.deletionTimestamp !== undefined) return [`${key} is on its way out`];
    const own = ledger.podsOf(metadata.uid).filter(isActive);
    if (isShort(ledger, metadata.namespace, own)) return [];
    const wanted = spec?.replicas ?? 1;
    const first = spec?.ordinals?.start ?? 0;
    const names = own.map((pod) => pod.metadata.name).sort();
    const expected = Array.from({ length: wanted }, (_, i) => `${metadata.name}-${first + i}`).sort();
    if (names.join() !== expected.join()) return [`${key} has ${names.join()} and not ${expected.join()}`];
    if ((status?.readyReplicas ?? 0) !== wanted) return [`${key} wants ${wanted} and says ready: ${status?.readyReplicas ?? 0}`];
    const partition = spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
    const old = own.filter((pod) => pod.metadata.labels?.["controller-revision-hash"] !== status?.updateRevision);
    const late = old.filter((pod) => Number(pod.metadata.name.slice(metadata.name.length + 1)) >= partition);
    return late.length === 0 ? [] : [`${key} has not rolled ${late[0]?.metadata.name}`];
  });
}

function daemonSets(ledger: Ledger): string[] {
  return ledger.all<DaemonSet>("daemonsets.apps").flatMap(({ metadata, status }) => {
    const key = `daemonsets.apps/${metadata.namespace}/${metadata.name}`;
    const wanted = ledger.all<Node>("nodes").length;
    const own = ledger.podsOf(metadata.uid).filter(isActive);
    // A node that is full has no room for it either; whether it is full is looked at where pods are. Beside one that waits may be the one it is to follow.
    const waiting = own.filter(({ spec }) => spec.nodeName === undefined).length;
    const covered = new Set(own.map(pinnedTo)).size;
    if (covered !== wanted || own.length > wanted + waiting) return [`${key} has ${own.length} pods for ${wanted} nodes, on ${covered}`];
    const scheduled = status?.desiredNumberScheduled;
    if (scheduled !== wanted) return [`${key} is for ${wanted} nodes and says scheduled: ${scheduled}`];
    // Those that wait count as unavailable, and a rollout that has used up what may be waits for them.
    const counts = { ready: status?.numberReady, ...(waiting > 0 ? {} : { updated: status?.updatedNumberScheduled }) };
    return Object.entries(counts).flatMap(([what, count]) =>
      (count ?? 0) >= wanted - waiting ? [] : [`${key} is for ${wanted} nodes, ${waiting} have no room, and it says ${what}: ${count}`],
    );
  });
}

function jobs(ledger: Ledger): string[] {
  return ledger.all<Job>("jobs.batch").flatMap(({ metadata, spec, status }) => {
    const key = `jobs.batch/${metadata.namespace}/${metadata.name}`;
    if (metadata.deletionTimestamp !== undefined) return [`${key} is on its way out`];
    const own = ledger.podsOf(metadata.uid);
    const over = status?.conditions?.find(({ type, status: is }) => (type === "Complete" || type === "Failed") && is === "True");
    const active = own.filter(isActive).length;
    if (over !== undefined) return active === 0 ? [] : [`${key} is over (${over.type}) and has ${active} active pods`];
    if (spec?.suspend === true || isShort(ledger, metadata.namespace, own)) return [];
    return active === (status?.active ?? 0) ? [] : [`${key} has ${active} active pods and says ${status?.active ?? 0}`];
  });
}

function endpoints(ledger: Ledger): string[] {
  const slices = ledger.all<EndpointSlice>("endpointslices.discovery.k8s.io");
  return ledger.all<Service>("services").flatMap(({ metadata, spec }) => {
    if (spec?.selector === undefined) return [];
    const { namespace, name } = metadata;
    const wanted = ledger
      .podsLike(namespace, { matchLabels: spec.selector })
      .flatMap((pod) => (isActive(pod) && isReady(pod) && pod.status?.podIP !== undefined ? [pod.status.podIP] : []));
    const own = slices.filter(
      (slice) => slice.metadata.namespace === namespace && slice.metadata.labels?.["kubernetes.io/service-name"] === name,
    );
    const told = own.flatMap(({ endpoints: all }) =>
      (all ?? []).flatMap(({ addresses, conditions }) => (conditions?.ready === true ? addresses : [])),
    );
    const [missing] = wanted.filter((address) => !told.includes(address));
    const [stale] = told.filter((address) => !wanted.includes(address));
    if (missing !== undefined) return [`services/${namespace}/${name} does not lead to ${missing}`];
    return stale === undefined ? [] : [`services/${namespace}/${name} still leads to ${stale}`];
  });
}

function budgets(ledger: Ledger): string[] {
  return ledger.all<PodDisruptionBudget>("poddisruptionbudgets.policy").flatMap(({ metadata, spec, status }) => {
    const healthy = ledger.podsLike(metadata.namespace, spec.selector).filter((pod) => isActive(pod) && isReady(pod)).length;
    const key = `poddisruptionbudgets.policy/${metadata.namespace}/${metadata.name}`;
    if (status?.currentHealthy !== healthy) return [`${key} says ${status?.currentHealthy} healthy pods of ${healthy}`];
    const allowed = Math.max(0, healthy - (status?.desiredHealthy ?? 0));
    return status?.disruptionsAllowed === allowed ? [] : [`${key} allows ${status?.disruptionsAllowed} and not ${allowed}`];
  });
}

function quotas(ledger: Ledger): string[] {
  return ledger.all<ResourceQuota>("resourcequotas").flatMap(({ metadata, status }) => {
    const used = ledger.podsLike(metadata.namespace, {}).filter((pod) => !isOver(pod)).length;
    const told = Number(status?.used?.pods ?? 0);
    return used === told ? [] : [`resourcequotas/${metadata.namespace}/${metadata.name} says ${told} pods of ${used}`];
  });
}

function autoscalers(ledger: Ledger): string[] {
  return ledger.all<HorizontalPodAutoscaler>("horizontalpodautoscalers.autoscaling").flatMap(({ metadata, spec, status }) => {
    const key = `horizontalpodautoscalers.autoscaling/${metadata.namespace}/${metadata.name}`;
    const target = ledger.get<Deployment>(`deployments.apps/${metadata.namespace}/${spec.scaleTargetRef.name}`);
    const replicas = target?.spec?.replicas ?? 1;
    // Nobody scales what has no pods.
    if (target === undefined || replicas === 0) return [];
    const { minReplicas = 1, maxReplicas } = spec;
    if (replicas < minReplicas || replicas > maxReplicas) return [`${key} has ${replicas} replicas, not ${minReplicas} to ${maxReplicas}`];
    return status?.currentReplicas === replicas ? [] : [`${key} has ${replicas} replicas and says ${status?.currentReplicas}`];
  });
}

/** Claims of pods that run are bound, and volumes are somebody's. */
function volumes(ledger: Ledger): string[] {
  const claims = ledger.all<PersistentVolumeClaim>("persistentvolumeclaims").flatMap(({ metadata, status }) => {
    const key = `persistentvolumeclaims/${metadata.namespace}/${metadata.name}`;
    if (metadata.deletionTimestamp !== undefined) return [`${key} is on its way out`];
    const users = ledger.all<Pod>("pods").filter((pod) => isActive(pod) && claimsOf(pod).includes(key));
    return status?.phase !== "Bound" && users.some(({ spec }) => spec.nodeName !== undefined)
      ? [`${key} is in use and ${status?.phase}`]
      : [];
  });
  const left = ledger.all<PersistentVolume>("persistentvolumes").flatMap(({ metadata, spec }) => {
    const { claimRef } = spec;
    return claimRef?.uid === undefined || ledger.hasUid(claimRef.uid)
      ? []
      : [`persistentvolumes/${metadata.name} is left of the claim ${claimRef.namespace}/${claimRef.name}`];
  });
  return [...claims, ...left];
}

function namespaces(ledger: Ledger): string[] {
  return ledger
    .all("namespaces")
    .flatMap(({ metadata }) => (metadata.deletionTimestamp === undefined ? [] : [`namespaces/${metadata.name} is on its way out`]));
}
