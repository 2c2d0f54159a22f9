import { DaemonSetKind } from "../../actors/kinds/apps/daemon-set.ts";
import { DeploymentKind } from "../../actors/kinds/apps/deployment.ts";
import { StatefulSetKind } from "../../actors/kinds/apps/stateful-set.ts";
import { HorizontalPodAutoscalerKind } from "../../actors/kinds/autoscaling/horizontal-pod-autoscaler.ts";
import { CronJobKind } from "../../actors/kinds/batch/cron-job.ts";
import { JobKind } from "../../actors/kinds/batch/job.ts";
import { ResourceQuotaKind } from "../../actors/kinds/core/resource-quota.ts";
import type { Deployment, ReplicaSet } from "../../actors/kinds/generated/types.ts";
import { PodDisruptionBudgetKind } from "../../actors/kinds/policy/pod-disruption-budget.ts";
import {
  type Kind,
  type KubeObject,
  keyFor,
  NamespaceKind,
  NodeKind,
  type Pod,
  PodKind,
  type Registry,
  ServiceKind,
  StatusError,
  type View,
} from "../../actors/mod.ts";
import type { Clock } from "../../runtime/mod.ts";
import type { Deed } from "./day-plan.ts";
import {
  type App,
  autoscalerOf,
  budgetOf,
  cronJobOf,
  daemonSetOf,
  deploymentOf,
  type Estate,
  jobOf,
  namespaceOf,
  nodeOf,
  POOR_TEAM,
  quotaOf,
  serviceOf,
  statefulSetOf,
  TEAMS,
} from "./estate.ts";
import { controllerOf, isOver } from "./ledger.ts";
import type { NodeNetwork } from "./node-network.ts";

/** Where somebody reaches the cluster: the registry behind the API of one host. */
export interface Door {
  readonly registry: Registry;
  readonly view: View;
  readonly clock: Clock;
  /** True time since the run began, about. */
  now_ms(): number;
}

const RETRY_MS = 2_000;
/** As kubectl drain does after a refusal. */
const EVICT_AGAIN_MS = 5_000;
const OPTIONS = { fieldManager: "kubectl" };
const REVISION = "deployment.kubernetes.io/revision";

/** Makes everything that the teams run. */
export async function furnish(door: Door, { apps, daemons, crons }: Estate, quota: number): Promise<void> {
  for (const team of [...TEAMS, "system"]) await make(door, NamespaceKind as unknown as Kind, namespaceOf(team));
  await make(door, ResourceQuotaKind as unknown as Kind, quotaOf(POOR_TEAM, quota));
  await Promise.all([
    ...apps.map((app) => install(door, app)),
    ...daemons.map((daemon) => make(door, DaemonSetKind as unknown as Kind, daemonSetOf("system", daemon))),
    ...crons.map((cron) => make(door, CronJobKind as unknown as Kind, cronJobOf(cron))),
  ]);
}

async function install(door: Door, app: App): Promise<void> {
  const { namespace, name, minAvailable } = app;
  await make(door, ServiceKind as unknown as Kind, serviceOf(namespace, name));
  if (minAvailable !== undefined) await make(door, PodDisruptionBudgetKind as unknown as Kind, budgetOf(namespace, name, minAvailable));
  await make(door, kindOf(app), objectOf(app));
  if (app.autoscaled) await make(door, HorizontalPodAutoscalerKind as unknown as Kind, autoscalerOf(app));
}

function kindOf({ kind }: App): Kind {
  return (kind === "Deployment" ? DeploymentKind : StatefulSetKind) as unknown as Kind;
}

function objectOf(app: App): KubeObject {
  return app.kind === "Deployment" ? deploymentOf(app) : statefulSetOf(app);
}

/** Does what was planned, as a person with kubectl would: again when there is no answer, and not at all when there is nothing to do it to. */
export async function perform(door: Door, deed: Deed, network: NodeNetwork): Promise<void> {
  switch (deed.do) {
    case "scale":
      return change<Scaled>(door, kindOf(deed.app), deed.app, (object) => ({
        ...object,
        spec: { ...object.spec, replicas: deed.replicas },
      }));
    case "roll":
      return change<Scaled>(door, kindOf(deed.app), deed.app, (object) =>
        withPartition(withImage(object, deed.tag), deed.app, deed.partition),
      );
    case "rollDaemons":
      return change<Scaled>(door, DaemonSetKind as unknown as Kind, { namespace: "system", name: deed.name }, (object) =>
        withImage(object, deed.tag),
      );
    case "undo":
      return undo(door, deed.app);
    case "pause":
      await change<Scaled>(door, kindOf(deed.app), deed.app, (object) => ({ ...object, spec: { ...object.spec, paused: true } }));
      await until(door, deed.until_ms);
      return change<Scaled>(door, kindOf(deed.app), deed.app, (object) => ({ ...object, spec: { ...object.spec, paused: false } }));
    case "recreate": {
      const { namespace, name } = deed.app;
      const { propagation: propagationPolicy } = deed;
      await remove(door, kindOf(deed.app), namespace, name, propagationPolicy);
      return make(door, kindOf(deed.app), objectOf(deed.app));
    }
    case "release":
      return release(door, deed);
    case "killPod": {
      const pod = podOf(door, deed.app, deed.nth);
      if (pod === undefined) return;
      const preconditions = { uid: pod.metadata.uid };
      return surely(door, () =>
        door.registry.delete(PodKind as unknown as Kind, deed.app.namespace, pod.metadata.name, { ...OPTIONS, preconditions }),
      );
    }
    case "drain":
      return drain(door, deed.node, deed.until_ms);
    case "job":
      await make(door, JobKind as unknown as Kind, jobOf(deed.job));
      if (deed.job.style !== "suspended") return;
      await until(door, deed.until_ms);
      return change<Scaled>(door, JobKind as unknown as Kind, deed.job, (object) => ({
        ...object,
        spec: { ...object.spec, suspend: false },
      }));
    case "namespace": {
      const namespace = deed.name;
      const plain = {
        namespace,
        replicas: 3,
        cpu: 1,
        strategy: "RollingUpdate",
        parallel: false,
        hostPort: false,
        autoscaled: false,
      } as const;
      await make(door, NamespaceKind as unknown as Kind, namespaceOf(namespace));
      await install(door, { ...plain, kind: "Deployment", name: "web", minAvailable: 2, claims: false });
      await install(door, { ...plain, kind: "StatefulSet", name: "db", minAvailable: undefined, claims: true });
      await until(door, deed.until_ms);
      return surely(door, () => door.registry.delete(NamespaceKind as unknown as Kind, undefined, deed.name, OPTIONS));
    }
    case "quota":
      return change<Scaled>(door, ResourceQuotaKind as unknown as Kind, { namespace: POOR_TEAM, name: "pods" }, (object) => ({
        ...object,
        spec: { ...object.spec, hard: { pods: String(deed.pods) } },
      }));
    case "silence":
      network.cut(deed.node);
      await until(door, deed.until_ms);
      network.mend(deed.node);
      return;
    case "outage":
      for (const node of deed.nodes) network.cut(node);
      await until(door, deed.until_ms);
      for (const node of deed.nodes) network.mend(node);
      return;
    case "removeNode":
      await surely(door, () => door.registry.delete(NodeKind as unknown as Kind, undefined, deed.node, OPTIONS));
      await until(door, deed.until_ms);
      return make(door, NodeKind as unknown as Kind, nodeOf(deed.node));
  }
}

/** As by `kubectl label --overwrite`, twice. */
async function release(door: Door, { app, nth, until_ms }: Extract<Deed, { readonly do: "release" }>): Promise<void> {
  const pod = podOf(door, app, nth);
  if (pod === undefined) return;
  const { namespace, name, uid } = pod.metadata;
  const label = (value: string): Promise<void> =>
    change<KubeObject>(door, PodKind as unknown as Kind, { namespace: namespace ?? "", name }, (object) =>
      object.metadata.uid === uid
        ? { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, app: value } } }
        : object,
    );
  await label(`${app.name}-released`);
  await until(door, until_ms);
  await label(app.name);
}

function podOf({ view }: Door, app: App, nth: number): Pod | undefined {
  const pods = view.list("pods", app.namespace).map((entry) => view.decode<Pod>(entry));
  const own = pods.filter(({ metadata }) => metadata.labels?.app === app.name);
  return own[nth % Math.max(1, own.length)];
}

type Scaled = KubeObject & { readonly spec?: Readonly<Record<string, unknown>> };

function withImage(object: Scaled, image: string): Scaled {
  const template = object.spec?.template as { readonly spec: { readonly containers: readonly object[] } };
  const containers = template.spec.containers.map((container) => ({ ...container, image }));
  return { ...object, spec: { ...object.spec, template: { ...template, spec: { ...template.spec, containers } } } };
}

function withPartition(object: Scaled, { kind }: App, partition: number): Scaled {
  return kind === "Deployment"
    ? object
    : { ...object, spec: { ...object.spec, updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition } } } };
}

/** As `kubectl rollout undo`: the template of the revision before. */
async function undo(door: Door, { namespace, name }: App): Promise<void> {
  const deployment = door.view.get<Deployment>(`deployments.apps/${namespace}/${name}`);
  const revision = Number(deployment?.metadata.annotations?.[REVISION]);
  const sets = door.view.list("replicasets.apps", namespace).map((entry) => door.view.decode<ReplicaSet>(entry));
  const older = sets
    .filter((set) => controllerOf(set)?.uid === deployment?.metadata.uid && Number(set.metadata.annotations?.[REVISION]) < revision)
    .sort((a, b) => Number(b.metadata.annotations?.[REVISION]) - Number(a.metadata.annotations?.[REVISION]));
  const template = older[0]?.spec?.template;
  if (template === undefined) return;
  const { "pod-template-hash": _hash, ...labels } = template.metadata?.labels ?? {};
  await change<Scaled>(door, DeploymentKind as unknown as Kind, { namespace, name }, (object) => ({
    ...object,
    spec: { ...object.spec, template: { ...template, metadata: { ...template.metadata, labels } } },
  }));
}

/** As `kubectl drain --ignore-daemonsets` and, in the end, `kubectl uncordon`. */
async function drain(door: Door, node: string, until_ms: number): Promise<void> {
  const cordon = (unschedulable: boolean): Promise<void> =>
    change<Scaled>(door, NodeKind as unknown as Kind, { name: node }, (object) => ({ ...object, spec: { ...object.spec, unschedulable } }));
  await cordon(true);
  while (door.now_ms() < until_ms) {
    const pods = door.view.list("pods").map((entry) => door.view.decode<Pod>(entry));
    const left = pods.filter((pod) => pod.spec.nodeName === node && !isOver(pod) && controllerOf(pod)?.kind !== "DaemonSet");
    if (left.length === 0) break;
    for (const { metadata } of left) {
      if (metadata.deletionTimestamp !== undefined) continue;
      // A budget may refuse, and the store may be away: it is asked again.
      await door.registry.evict(metadata.namespace ?? "", metadata.name, OPTIONS).catch(() => undefined);
    }
    await sleep(door, EVICT_AGAIN_MS);
  }
  await until(door, until_ms);
  await cordon(false);
}

async function make(door: Door, kind: Kind, object: KubeObject): Promise<void> {
  await surely(door, () => door.registry.create(kind, structuredClone(object), OPTIONS), "AlreadyExists");
}

/** Deletes the object and, as kubectl does, waits until it is gone: finalizers may hold it. */
async function remove(
  door: Door,
  kind: Kind,
  namespace: string,
  name: string,
  propagationPolicy: Extract<Deed, { readonly do: "recreate" }>["propagation"],
): Promise<void> {
  let going: string | undefined;
  await surely(door, async () => {
    const { entry } = await door.registry.delete(kind, namespace, name, { ...OPTIONS, propagationPolicy });
    going = door.view.decode(entry).metadata.uid;
  });
  while (going !== undefined && door.view.get(keyFor(kind, namespace, name))?.metadata.uid === going) await sleep(door, RETRY_MS);
}

/** Changes the object, if it is there. */
async function change<T extends KubeObject>(
  door: Door,
  kind: Kind,
  { namespace, name }: { readonly namespace?: string; readonly name: string },
  how: (object: T) => T,
): Promise<void> {
  await surely(door, () => door.registry.modify(kind, namespace, name, (object) => how(object as T), OPTIONS));
}

/** Tries until it is done or there is nothing to do: what is not there cannot be changed. */
async function surely(door: Door, work: () => Promise<unknown>, alsoDone = "NotFound"): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      const reason = error instanceof StatusError ? error.status.reason : undefined;
      // A namespace or an object of that name may be on its way out; that passes.
      if (reason === "NotFound" || (reason === alsoDone && !isGoing(door, error))) return;
      if (!(error instanceof StatusError) || error.status.code === 422) throw error;
      await sleep(door, RETRY_MS);
    }
  }
}

/** Whether what is in the way is being deleted. */
function isGoing({ view }: Door, error: unknown): boolean {
  if (!(error instanceof StatusError) || error.status.reason !== "AlreadyExists") return false;
  const { kind, name } = error.status.details ?? {};
  return view.list(kind === undefined ? "" : resourceNamed(kind)).some((entry) => {
    const { metadata } = view.decode(entry);
    return metadata.name === name && metadata.deletionTimestamp !== undefined;
  });
}

function resourceNamed(plural: string): string {
  return ["deployments", "statefulsets", "daemonsets"].includes(plural) ? `${plural}.apps` : plural;
}

function sleep({ clock }: Door, delay_ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(delay_ms, resolve));
}

async function until(door: Door, at_ms: number): Promise<void> {
  const left_ms = at_ms - door.now_ms();
  if (left_ms > 0) await sleep(door, left_ms);
}
