import * as templates from "./templates.ts";

/** So many pods of a template in a namespace. */
export interface PodSet {
  readonly count: number;
  readonly template: templates.PodTemplate;
  readonly namespace: string;
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
  /** A node of this name with room for all. */
  readonly giant?: string;
  readonly init: readonly PodSet[];
  readonly measured: PodSet;
  /** While the measured pods are scheduled, one of these is created so often. */
  readonly churn?: { readonly template: templates.PodTemplate; readonly every_ms: number };
  /** A service that selects the measured pods. */
  readonly service?: Readonly<Record<string, string>>;
}

const NODES = 5_000;
const CHURN_MS = 200;
const set = (count: number, template: templates.PodTemplate, namespace = "sched-0"): PodSet => ({ count, template, namespace });
const ZONE = ["zone1"];
const MOONS = ["moon-1", "moon-2", "moon-3"];

/**
 * The matrix by scheduler_perf's names. Thresholds: test/integration/scheduler_perf/{misc,affinity,topology_spreading,volumes}/performance-config.yaml of
 * kubernetes/kubernetes, which are floors that its own runs must not fall below.
 */
export const WORKLOADS: readonly Workload[] = [
  {
    ...{ name: "SchedulingBasic", threshold: 680, of: "5000Nodes_10000Pods", nodes: NODES },
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
    ...{ name: "TopologySpreading", threshold: 460, of: "5000Nodes_5000Pods", nodes: NODES, zones: MOONS },
    init: [set(5_000, templates.DEFAULT)],
    measured: set(5_000, templates.TOPOLOGY_SPREADING),
  },
  {
    ...{ name: "PreferredTopologySpreading", threshold: 340, of: "5000Nodes_5000Pods", nodes: NODES, zones: MOONS },
    init: [set(5_000, templates.DEFAULT)],
    measured: set(5_000, templates.PREFERRED_TOPOLOGY_SPREADING),
  },
  {
    ...{ name: "DefaultTopologySpreading", threshold: 160, of: "5000Nodes_50000Pods", nodes: NODES, zones: MOONS },
    init: [set(5_000, templates.DEFAULT)],
    measured: set(10_000, templates.LABELED, "sched-1"),
    service: { app: "scheduler-perf" },
  },
  {
    ...{ name: "SchedulingSecrets", threshold: 790, of: "5000Nodes_10000Pods", nodes: NODES },
    init: [set(1_000, templates.SECRET_VOLUME)],
    measured: set(10_000, templates.SECRET_VOLUME),
  },
  {
    ...{
      name: "SchedulingWithExtendedResource",
      threshold: 180,
      of: "5000pods_5000nodes",
      nodes: NODES,
      allocatable: { "foo.com/bar": "8" },
    },
    init: [],
    measured: set(5_000, templates.EXTENDED_RESOURCE),
  },
  {
    ...{ name: "SchedulingDaemonset", threshold: 1_100, of: "15000Nodes", nodes: 15_000, giant: "scheduler-perf-node" },
    init: [],
    measured: set(30_000, templates.DAEMON),
  },
  {
    ...{ name: "PreemptionBasic", threshold: undefined, of: "1000Nodes", nodes: 1_000 },
    init: [set(4_000, templates.LOW_PRIORITY)],
    measured: set(1_000, templates.HIGH_PRIORITY),
  },
  {
    ...{ name: "PreemptionAsync", threshold: 570, of: "5000Nodes", nodes: NODES },
    init: [set(20_000, templates.LOW_PRIORITY)],
    measured: set(5_000, templates.DEFAULT),
    churn: { template: templates.HIGH_PRIORITY, every_ms: CHURN_MS },
  },
  {
    ...{ name: "Unschedulable", threshold: 590, of: "5kNodes/100Init/10kPods", nodes: NODES },
    init: [set(100, templates.DEFAULT)],
    measured: set(10_000, templates.DEFAULT),
    churn: { template: templates.LARGE_CPU, every_ms: CHURN_MS },
  },
];
