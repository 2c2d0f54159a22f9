/** Objects of the workloads, by what scheduler_perf's templates of the same names ask for. */
export type Template = Readonly<Record<string, unknown>>;

const MEASURED_NAMESPACES = ["sched-0", "sched-1"];
const ZONE = "topology.kubernetes.io/zone";
const HOSTNAME = "kubernetes.io/hostname";

/** A node of 4 cpu, 32 GiB and 110 pods, in one of these zones. */
export function node(name: string, number: number, zones: readonly string[] = [], more: Template = {}): Template {
  const zone = zones[number % zones.length];
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { [HOSTNAME]: name, ...(zone === undefined ? {} : { [ZONE]: zone }) } },
    spec: {},
    status: {
      capacity: { pods: "110", cpu: "4", memory: "32Gi", ...more },
      allocatable: { pods: "110", cpu: "4", memory: "32Gi", ...more },
    },
  };
}

const container = (requests: Template, more: Template = {}): Template => ({
  name: "pause",
  image: "registry.k8s.io/pause:3.10",
  ports: [{ containerPort: 80 }],
  resources: { requests, limits: requests },
  ...more,
});
const SMALL = { cpu: "100m", memory: "500Mi" };

/** What a pod is made of beyond its name. */
export interface PodTemplate {
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec: Template;
}

const affine = (labels: Readonly<Record<string, string>>, affinity: Template): PodTemplate => ({
  labels,
  spec: { affinity, containers: [container(SMALL)] },
});
const term = (matchLabels: Readonly<Record<string, string>>, topologyKey: string): Template => ({
  labelSelector: { matchLabels },
  topologyKey,
  namespaces: MEASURED_NAMESPACES,
});
const spread = (whenUnsatisfiable: string): PodTemplate => ({
  labels: { color: "blue" },
  spec: {
    topologySpreadConstraints: [{ maxSkew: 5, topologyKey: ZONE, whenUnsatisfiable, labelSelector: { matchLabels: { color: "blue" } } }],
    containers: [container(SMALL)],
  },
});

export const DEFAULT: PodTemplate = { spec: { containers: [container(SMALL)] } };
const BARE = { name: "pause", image: "registry.k8s.io/pause:3.10" };
export const LABELED: PodTemplate = {
  labels: { app: "scheduler-perf" },
  spec: { containers: [{ ...BARE, ports: [{ containerPort: 80 }] }] },
};
export const GATED_WITH_POD_AFFINITY: PodTemplate = {
  labels: { app: "scheduler-perf" },
  spec: {
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: { app: "scheduler-perf" } }, topologyKey: HOSTNAME },
        ],
      },
    },
    schedulingGates: [{ name: "scheduling-gate-1" }],
    containers: [BARE],
  },
};
export const POD_ANTI_AFFINITY: PodTemplate = affine(
  { color: "green", name: "test" },
  { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term({ color: "green" }, HOSTNAME)] } },
);
export const POD_AFFINITY: PodTemplate = affine(
  { color: "blue" },
  { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term({ color: "blue" }, ZONE)] } },
);
export const PREFERRED_POD_AFFINITY: PodTemplate = affine(
  { color: "red" },
  { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term({ color: "red" }, HOSTNAME) }] } },
);
export const PREFERRED_POD_ANTI_AFFINITY: PodTemplate = affine(
  { color: "yellow" },
  {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term({ color: "yellow" }, HOSTNAME) }],
    },
  },
);
const ofTeam = (color: string, topologyKey: string): Template => ({
  labelSelector: { matchLabels: { color } },
  topologyKey,
  namespaceSelector: { matchLabels: { team: "devops" } },
});
export const ANTI_AFFINITY_NS_SELECTOR: PodTemplate = affine(
  { color: "green" },
  { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [ofTeam("green", HOSTNAME)] } },
);
export const PREFERRED_ANTI_AFFINITY_NS_SELECTOR: PodTemplate = affine(
  { color: "green" },
  { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: ofTeam("green", HOSTNAME) }] } },
);
export const AFFINITY_NS_SELECTOR: PodTemplate = affine(
  { color: "blue" },
  { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [ofTeam("blue", ZONE)] } },
);
export const PREFERRED_AFFINITY_NS_SELECTOR: PodTemplate = affine(
  { color: "red" },
  { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: ofTeam("red", HOSTNAME) }] } },
);
export const NODE_INCLUSION_POLICY: PodTemplate = {
  labels: { foo: "bar" },
  spec: {
    topologySpreadConstraints: [
      {
        ...{ maxSkew: 1, topologyKey: HOSTNAME, whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { foo: "bar" } } },
        ...{ nodeAffinityPolicy: "Honor", nodeTaintsPolicy: "Honor" },
      },
    ],
    containers: [container(SMALL)],
  },
};
/** A node without room and a service of nobody, which come and go beside a pod that no node takes. */
export const CHURN_BESIDE: readonly { readonly path: string; readonly object: Template }[] = [
  {
    path: "/api/v1/nodes",
    object: {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "churn" },
      status: { capacity: { pods: "0" }, allocatable: { pods: "0" } },
    },
  },
  {
    path: "/api/v1/namespaces/sched-0/services",
    object: {
      ...{ apiVersion: "v1", kind: "Service", metadata: { name: "churn" } },
      spec: { selector: { app: "foo" }, ports: [{ protocol: "TCP", port: 8080, targetPort: 8080 }] },
    },
  },
];
export const NODE_AFFINITY: PodTemplate = affine(
  {},
  {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE, operator: "In", values: ["zone1", "zone2"] }] }],
      },
    },
  },
);
export const TOPOLOGY_SPREADING: PodTemplate = spread("DoNotSchedule");
export const PREFERRED_TOPOLOGY_SPREADING: PodTemplate = spread("ScheduleAnyway");
export const SECRET_VOLUME: PodTemplate = {
  spec: {
    volumes: [{ name: "secret", secret: { secretName: "secret" } }],
    containers: [container(SMALL, { volumeMounts: [{ name: "secret", mountPath: "/etc/secret" }] })],
  },
};
export const EXTENDED_RESOURCE: PodTemplate = { spec: { containers: [container({ ...SMALL, "foo.com/bar": "1" })] } };
export const DAEMON: PodTemplate = {
  spec: {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["scheduler-perf-node"] }] }],
        },
      },
    },
    containers: [container({})],
  },
};
export const LOW_PRIORITY: PodTemplate = {
  spec: { terminationGracePeriodSeconds: 0, containers: [container({ cpu: "900m", memory: "500Mi" })] },
};
export const HIGH_PRIORITY: PodTemplate = {
  spec: { terminationGracePeriodSeconds: 0, priorityClassName: "high", containers: [container({ cpu: "3000m", memory: "500Mi" })] },
};
export const LARGE_CPU: PodTemplate = {
  spec: { priorityClassName: "high", containers: [container({ cpu: "9", memory: "500Mi" })] },
};
