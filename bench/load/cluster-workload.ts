import { BUILT_IN_TEMPLATES } from "./templates.ts";
import type { Phase, Step, Workload } from "./workload.ts";

/** Pods of a namespace; Kubernetes' own limit for its service levels is twice as many. */
const PODS_PER_NAMESPACE = 1_500;
const DEPLOYMENT_PODS = 50;
const STATEFUL_SET_PODS = 10;
const JOB_PODS = 50;
/** Shares of the pods by the kind of their owner; Deployments have the rest. */
const SHARE_OF = { daemonSets: 0.1, jobs: 0.15, statefulSets: 0.15 };
const FILL_WAIT_MS = 600_000;
const SETTLE_WAIT_MS = 120_000;
const NODE_AWAY_MS = 30_000;
const MS_PER_MIN = 60_000;

/**
 * A full cluster: pods of Deployments, Jobs, StatefulSets and DaemonSets, with services, config maps and secrets beside them, as fast as it takes them; then
 * minutes in which a tenth of the pods is replaced, Deployments roll out, nodes die and come back, and clients read.
 */
export function clusterWorkload(nodes: number, pods: number, minutes: number): Workload {
  const namespaces = Math.max(1, Math.round(pods / PODS_PER_NAMESPACE));
  const daemonSets = Math.max(1, Math.round((pods * SHARE_OF.daemonSets) / nodes));
  const others = Math.max(0, pods - daemonSets * nodes);
  const whole = 1 - SHARE_OF.daemonSets;
  const perNamespace = (share: number, size: number): number => Math.max(1, Math.round((others * share) / whole / size / namespaces));
  const jobs = perNamespace(SHARE_OF.jobs, JOB_PODS);
  const statefulSets = perNamespace(SHARE_OF.statefulSets, STATEFUL_SET_PODS);
  // What rounding leaves is made up for by one more Deployment of another size in each namespace.
  const left = Math.max(0, Math.floor(others / namespaces) - jobs * JOB_PODS - statefulSets * STATEFUL_SET_PODS);
  const create = (object: string, template: string, count: number, replicas = 1, among: number = namespaces): Step => ({
    do: "create",
    object,
    template,
    namespaces: among,
    count,
    replicas,
  });
  const deployments = Math.floor(left / DEPLOYMENT_PODS);
  const steps: Step[] = [
    create("settings", "configmap", 5),
    create("password", "secret", 5),
    create("web", "service", Math.max(1, Math.round(deployments / 5))),
    create("agent", "daemonset", daemonSets, 1, 1),
    create("batch", "job", jobs, JOB_PODS),
    create("db", "statefulset", statefulSets, STATEFUL_SET_PODS),
    ...(deployments === 0 ? [] : [create("web", "deployment", deployments, DEPLOYMENT_PODS)]),
    ...(left % DEPLOYMENT_PODS === 0 ? [] : [create("rest", "deployment", 1, left % DEPLOYMENT_PODS)]),
  ];
  const churn: Step[] = [
    { do: "replace", share: 0.1 },
    ...(deployments === 0 ? [] : [{ do: "update", object: "web", share: 0.05 } as const]),
    { do: "killNodes", count: Math.max(1, Math.round(nodes / 500)), away_ms: NODE_AWAY_MS },
    { do: "read", perSecond: 20 },
  ];
  const phases: Phase[] = [
    { name: "fill", for_ms: 0, steps, wait_ms: FILL_WAIT_MS, startUp: false },
    { name: "churn", for_ms: minutes * MS_PER_MIN, steps: churn, wait_ms: SETTLE_WAIT_MS, startUp: true },
  ];
  return { name: "cluster", namespaces, templates: BUILT_IN_TEMPLATES, phases: minutes > 0 ? phases : phases.slice(0, 1) };
}
