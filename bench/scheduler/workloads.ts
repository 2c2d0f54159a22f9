import * as templates from "./templates.ts";

/** So many pods of a template in a namespace. */
export interface PodSet {
  readonly count: number;
  readonly template: templates.PodTemplate;
  readonly namespace: string;
  /** In each of so many namespaces, numbered, there are `count`; absent: in one. */
  readonly over?: number;
  /** Nobody schedules them. */
  readonly isGated?: boolean;
}

/** One case of scheduler_perf: what is there before, and the pods whose scheduling is measured. */
export interface Workload {
  readonly name: string;
  /** Pods a second that Kubernetes' own performance-config.yaml asks for, and of which of its workloads; undefined: it asks for nothing. */
  readonly threshold: number | undefined;
  readonly of: string;
  readonly nodes: number;
  readonly zones?: readonly string[];
  /** More that each node can give. */
  readonly allocatable?: templates.Template;
  /** So many of the nodes have a taint that the pods do not tolerate. */
  readonly tainted?: number;
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  /** A node of this name with room for all. */
  readonly giant?: string;
  readonly init: readonly PodSet[];
  readonly measured: PodSet;
  /** While the measured pods are scheduled, one of these is created so often; with others beside it, all of them come and go. */
  readonly churn?: {
    readonly template: templates.PodTemplate;
    readonly every_ms: number;
    readonly beside?: readonly { readonly path: string; readonly object: templates.Template }[];
  };
  /** A service that selects the measured pods. */
  readonly service?: Readonly<Record<string, string>>;
}

const NODES = 5_000;
const CHURN_MS = 200;
const set = (count: number, template: templates.PodTemplate, namespace = "sched-0"): PodSet => ({ count, template, namespace });
const NAMESPACES = 100;
/** So many pods in each of many namespaces before, and those that are measured in one more. */
function overNamespaces(
  each: number,
  measured: number,
  template: templates.PodTemplate,
): Pick<Workload, "init" | "measured" | "namespaceLabels"> {
  const init = [{ ...set(each, template, "init-ns"), over: NAMESPACES }];
  return { init, measured: set(measured, template, "measure-ns-0"), namespaceLabels: { team: "devops" } };
}
const ZONE = ["zone1"];
const MOONS = ["moon-1", "moon-2", "moon-3"];

/**
 * The matrix by scheduler_perf's names. Sets and thresholds: test/integration/scheduler_perf/{misc,affinity,topology_spreading,volumes}/performance-config.yaml of
 * Kubernetes 1.34, floors that its own runs must not fall below.
 */
export const WORKLOADS: readonly Workload[] = [
  {
    ...{ name: "SchedulingBasic", threshold: 270, of: "5000Nodes_10000Pods", nodes: NODES },
    init: [set(1_000, templates.DEFAULT)],
    measured: set(10_000, templates.DEFAULT),
  },
  {
    ...{ name: "SchedulingPodAntiAffinity", threshold: 60, of: "5000Nodes_2000Pods", nodes: NODES },
    init: [set(1_000, templates.POD_ANTI_AFFINITY)],
    measured: set(2_000, templates.POD_ANTI_AFFINITY, "sched-1"),
  },
  {
    ...{ name: "SchedulingPodAffinity", threshold: 35, of: "5000Nodes_5000Pods", nodes: NODES, zones: ZONE },
    init: [set(5_000, templates.POD_AFFINITY)],
    measured: set(5_000, templates.POD_AFFINITY, "sched-1"),
  },
  {
    ...{ name: "SchedulingPreferredPodAffinity", threshold: 90, of: "5000Nodes_5000Pods", nodes: NODES },
    init: [set(5_000, templates.PREFERRED_POD_AFFINITY)],
    measured: set(5_000, templates.PREFERRED_POD_AFFINITY, "sched-1"),
  },
  {
    ...{ name: "SchedulingPreferredPodAntiAffinity", threshold: 90, of: "5000Nodes_5000Pods", nodes: NODES },
    init: [set(5_000, templates.PREFERRED_POD_ANTI_AFFINITY)],
    measured: set(5_000, templates.PREFERRED_POD_ANTI_AFFINITY, "sched-1"),
  },
  {
    ...{ name: "SchedulingNodeAffinity", threshold: 220, of: "5000Nodes_10000Pods", nodes: NODES, zones: ZONE },
    init: [set(5_000, templates.NODE_AFFINITY)],
    measured: set(10_000, templates.NODE_AFFINITY),
  },
  {
    ...{ name: "MixedSchedulingBasePod", threshold: 140, of: "5000Nodes_5000Pods", nodes: NODES, zones: ZONE },
    init: [
      set(2_000, templates.DEFAULT),
      set(2_000, templates.POD_AFFINITY),
      set(2_000, templates.POD_ANTI_AFFINITY),
      set(2_000, templates.PREFERRED_POD_AFFINITY),
      set(2_000, templates.PREFERRED_POD_ANTI_AFFINITY),
    ],
    measured: set(5_000, templates.DEFAULT),
  },
  {
    ...{ name: "TopologySpreading", threshold: 85, of: "5000Nodes_5000Pods", nodes: NODES, zones: MOONS },
    init: [set(5_000, templates.DEFAULT)],
    measured: set(5_000, templates.TOPOLOGY_SPREADING),
  },
  {
    ...{ name: "PreferredTopologySpreading", threshold: 125, of: "5000Nodes_5000Pods", nodes: NODES, zones: MOONS },
    init: [set(5_000, templates.DEFAULT)],
    measured: set(5_000, templates.PREFERRED_TOPOLOGY_SPREADING),
  },
  {
    ...{ name: "DefaultTopologySpreading", threshold: undefined, of: "5000Nodes_50000Pods", nodes: NODES, zones: MOONS },
    init: [set(5_000, templates.DEFAULT)],
    measured: set(10_000, templates.LABELED, "sched-1"),
    service: { app: "scheduler-perf" },
  },
  {
    ...{ name: "SchedulingSecrets", threshold: 260, of: "5000Nodes_10000Pods", nodes: NODES },
    init: [set(1_000, templates.SECRET_VOLUME)],
    measured: set(10_000, templates.SECRET_VOLUME),
  },
  {
    ...{
      name: "SchedulingWithExtendedResource",
      threshold: undefined,
      of: "5000pods_5000nodes",
      nodes: NODES,
      allocatable: { "foo.com/bar": "8" },
    },
    init: [],
    measured: set(5_000, templates.EXTENDED_RESOURCE),
  },
  {
    ...{ name: "SchedulingDaemonset", threshold: 390, of: "15000Nodes", nodes: 15_000, giant: "scheduler-perf-node" },
    init: [],
    measured: set(30_000, templates.DAEMON),
  },
  {
    ...{ name: "PreemptionBasic", threshold: undefined, of: "1000Nodes", nodes: 1_000 },
    init: [set(4_000, templates.LOW_PRIORITY)],
    measured: set(1_000, templates.HIGH_PRIORITY),
  },
  {
    ...{ name: "PreemptionAsync", threshold: 160, of: "5000Nodes", nodes: NODES },
    init: [set(20_000, templates.LOW_PRIORITY)],
    measured: set(5_000, templates.DEFAULT),
    churn: { template: templates.HIGH_PRIORITY, every_ms: CHURN_MS },
  },
  {
    ...{ name: "Unschedulable", threshold: 170, of: "5kNodes/100Init/10kPods_QueueingHintsEnabled", nodes: NODES },
    init: [set(100, templates.DEFAULT)],
    measured: set(10_000, templates.DEFAULT),
    churn: { template: templates.LARGE_CPU, every_ms: CHURN_MS },
  },
  {
    ...{ name: "SchedulingRequiredPodAntiAffinityWithNSSelector", threshold: 24, of: "5000Nodes_2000Pods", nodes: 6_000 },
    ...overNamespaces(40, 2_000, templates.ANTI_AFFINITY_NS_SELECTOR),
  },
  {
    ...{ name: "SchedulingPreferredAntiAffinityWithNSSelector", threshold: 55, of: "5000Nodes_2000Pods", nodes: NODES },
    ...overNamespaces(40, 2_000, templates.PREFERRED_ANTI_AFFINITY_NS_SELECTOR),
  },
  {
    ...{ name: "SchedulingRequiredPodAffinityWithNSSelector", threshold: 35, of: "5000Nodes_2000Pods", nodes: NODES, zones: ZONE },
    ...overNamespaces(50, 2_000, templates.AFFINITY_NS_SELECTOR),
  },
  {
    ...{ name: "SchedulingPreferredAffinityWithNSSelector", threshold: 90, of: "5000Nodes_5000Pods", nodes: NODES },
    ...overNamespaces(50, 5_000, templates.PREFERRED_AFFINITY_NS_SELECTOR),
  },
  {
    ...{ name: "SchedulingWithNodeInclusionPolicy", threshold: 68, of: "5000Nodes", nodes: NODES, tainted: 1_000 },
    init: [],
    measured: set(4_000, templates.NODE_INCLUSION_POLICY),
  },
  {
    ...{ name: "SchedulingWithMixedChurn", threshold: 265, of: "5000Nodes_10000Pods", nodes: NODES },
    init: [],
    measured: set(10_000, templates.DEFAULT),
    churn: { template: templates.LARGE_CPU, every_ms: 1_000, beside: templates.CHURN_BESIDE },
  },
  {
    ...{ name: "SchedulingGatedPodsWithPodAffinityImpactForThroughput", threshold: 110, of: "1Node_10000GatedPods" },
    ...{ nodes: 0, giant: "scheduler-perf-node" },
    init: [{ ...set(10_000, templates.GATED_WITH_POD_AFFINITY), isGated: true }],
    measured: set(20_000, templates.LABELED, "sched-1"),
  },
];
