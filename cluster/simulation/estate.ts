import type {
  CronJob,
  DaemonSet,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  PodTemplateSpec,
  ResourceQuota,
  StatefulSet,
} from "../../actors/kinds/generated/types.ts";
import type { KubeObject, Node, Service } from "../../actors/mod.ts";
import { HOLLOW_FORM } from "../../actors/node/hollow/hollow-form.ts";
import type { Random } from "../../runtime/mod.ts";

/** What the teams of a simulated cluster run. Plain data, drawn from the seed. */
export interface Estate {
  readonly apps: readonly App[];
  readonly daemons: readonly Daemon[];
  readonly crons: readonly Cron[];
}

export interface App {
  readonly kind: "Deployment" | "StatefulSet";
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  /** Cores that each pod asks for. */
  readonly cpu: number;
  readonly strategy: "RollingUpdate" | "Recreate";
  readonly parallel: boolean;
  readonly hostPort: boolean;
  /** What its budget says, if it has one. */
  readonly minAvailable: number | undefined;
  /** How many there are is decided by what they have to do. */
  readonly autoscaled: boolean;
  /** Each pod has a volume of its own, on one node. */
  readonly claims: boolean;
  /** The volumes of pods that are wanted no more go, and those of a set that is deleted. */
  readonly letsGo?: boolean;
}

/** How a job differs from a plain one. */
export const JOB_STYLES = ["plain", "plain", "indexed", "suspended", "policy"] as const;

export interface JobForm {
  readonly namespace: string;
  readonly name: string;
  /** `suspended`: it begins later. `policy`: the first pod that fails ends it. */
  readonly style: (typeof JOB_STYLES)[number];
  readonly completions: number;
  readonly parallelism: number;
  /** How long each of its pods runs, and how it ends. */
  readonly seconds: number;
  readonly exitCode: number;
}

export interface Daemon {
  readonly name: string;
  /** New pods come before the old ones go. */
  readonly surges: boolean;
}

export interface Cron {
  readonly namespace: string;
  readonly name: string;
  readonly minutes: number;
  readonly concurrency: "Allow" | "Forbid" | "Replace";
}

const TEAMS: readonly string[] = ["red", "green", "blue", "amber"];
/** The team with a quota, which some of its deployments run into. */
const POOR_TEAM = "amber";
/** Of the cores of all nodes teams ask for about so much: some nodes are full, and a few nodes less still have room for all. */
const LOAD = 0.55;
const NODE_CPU = 32;
const NODE_PREFIX = "node-";
const ZONE = "topology.kubernetes.io/zone";
const APPS_PER_TEAM = 6;
const CRON_MINUTES = [10, 15, 30];
/** The app of each team that is autoscaled; a quota would be in its way. */
const AUTOSCALED = 1;
/** Of what the nodes have, an app that is autoscaled may take up to so many times its share. */
const AUTOSCALED_MOST = 1.5;

export function drawEstate(random: Random, nodes: number): Estate {
  const apps: App[] = [];
  const each = (nodes * NODE_CPU * LOAD) / (TEAMS.length * APPS_PER_TEAM);
  for (const namespace of TEAMS) {
    for (let number = 0; number < APPS_PER_TEAM; number++) {
      const isSet = number >= APPS_PER_TEAM - 2;
      const cpu = [1, 2, 4, 6, 10][random.below(5)] ?? 2;
      const replicas = isSet ? 2 + random.below(4) : Math.max(2, Math.min(30, Math.round(each / cpu)));
      const hostPort = number === 0 && replicas <= nodes / 2;
      apps.push({
        kind: isSet ? "StatefulSet" : "Deployment",
        namespace,
        name: `${isSet ? "db" : "web"}-${number}`,
        replicas,
        cpu,
        // With surge, a new pod needs a port that an old one has.
        strategy: random.below(5) === 0 ? "Recreate" : "RollingUpdate",
        parallel: random.below(3) === 0,
        hostPort,
        minAvailable: random.below(2) === 0 ? Math.max(1, replicas - 1 - random.below(2)) : undefined,
        autoscaled: number === AUTOSCALED && namespace !== POOR_TEAM,
        claims: isSet && random.below(2) === 0,
        letsGo: isSet && random.below(2) === 0,
      });
    }
  }
  const crons = TEAMS.map((namespace, index): Cron => {
    const concurrency = (["Allow", "Forbid", "Replace"] as const)[random.below(3)] ?? "Allow";
    return { namespace, name: `tick-${index}`, minutes: CRON_MINUTES[random.below(CRON_MINUTES.length)] ?? 10, concurrency };
  });
  const daemons = [
    { name: "agent", surges: false },
    { name: "relay", surges: true },
  ];
  return { apps, daemons, crons };
}

/** Filled in by the registry. */
const NEW = { uid: "", creationTimestamp: "" };

function template(
  app: string,
  cpu: string,
  more: { readonly hostPort?: boolean; readonly never?: boolean; readonly annotations?: Record<string, string> } = {},
): PodTemplateSpec {
  const ports = more.hostPort === true ? { ports: [{ containerPort: 80, hostPort: 8_080 }] } : {};
  return {
    metadata: {
      ...({} as NonNullable<PodTemplateSpec["metadata"]>),
      labels: { app },
      ...(more.annotations === undefined ? {} : { annotations: more.annotations }),
    },
    spec: {
      containers: [{ name: "main", image: "app:1", resources: { requests: { cpu, memory: "256Mi" } }, ...ports }],
      ...(more.never === true ? { restartPolicy: "Never" } : {}),
    },
  };
}

export function deploymentOf({ namespace, name, replicas, cpu, strategy, hostPort }: App): Deployment {
  return {
    metadata: { name, namespace, ...NEW },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      strategy: { type: strategy },
      template: template(name, String(cpu), { hostPort }),
    },
  };
}

/** How many pods an autoscaled app has at its busiest. */
export function mostReplicasOf({ replicas }: App): number {
  return Math.ceil(replicas * AUTOSCALED_MOST);
}

export function autoscalerOf(app: App): HorizontalPodAutoscaler {
  const { namespace, name } = app;
  const metric = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } };
  return {
    metadata: { name, namespace, ...NEW },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      minReplicas: 1,
      maxReplicas: mostReplicasOf(app),
      metrics: [metric],
    },
  } as HorizontalPodAutoscaler;
}

const CLAIM: PersistentVolumeClaim = {
  metadata: { name: "data", ...NEW },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
};

export function statefulSetOf({ namespace, name, replicas, cpu, parallel, claims, letsGo }: App): StatefulSet {
  return {
    metadata: { name, namespace, ...NEW },
    spec: {
      replicas,
      serviceName: name,
      podManagementPolicy: parallel ? "Parallel" : "OrderedReady",
      selector: { matchLabels: { app: name } },
      template: template(name, String(cpu)),
      ...(claims ? { volumeClaimTemplates: [CLAIM] } : {}),
      ...(letsGo === true ? { persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled: "Delete" } } : {}),
    },
  };
}

export function serviceOf(namespace: string, name: string): Service {
  return { metadata: { name, namespace, ...NEW }, spec: { selector: { app: name }, ports: [{ port: 80 }] } };
}

export function budgetOf(namespace: string, name: string, minAvailable: number): PodDisruptionBudget {
  return { metadata: { name, namespace, ...NEW }, spec: { minAvailable, selector: { matchLabels: { app: name } } } } as PodDisruptionBudget;
}

export function daemonSetOf(namespace: string, { name, surges }: Daemon): DaemonSet {
  const own = template(name, "100m");
  const rollingUpdate = surges ? { maxSurge: "20%", maxUnavailable: 0 } : { maxUnavailable: "20%" };
  return {
    metadata: { name, namespace, ...NEW },
    spec: {
      selector: { matchLabels: { app: name } },
      updateStrategy: { type: "RollingUpdate", rollingUpdate },
      template: own,
    },
  };
}

export function jobOf({ namespace, name, style, completions, parallelism, seconds, exitCode }: JobForm): Job {
  const rule = { action: "FailJob", onExitCodes: { operator: "In", values: [1] } };
  return {
    metadata: { name, namespace, ...NEW },
    spec: {
      completions,
      parallelism,
      backoffLimit: 2,
      ttlSecondsAfterFinished: 600,
      ...(style === "indexed" ? { completionMode: "Indexed" } : {}),
      ...(style === "suspended" ? { suspend: true } : {}),
      ...(style === "policy" ? { podFailurePolicy: { rules: [rule] } } : {}),
      template: template(name, "500m", { never: true, annotations: hollow(seconds, exitCode) }),
    },
  };
}

export function cronJobOf({ namespace, name, minutes, concurrency }: Cron): CronJob {
  return {
    metadata: { name, namespace, ...NEW },
    spec: {
      schedule: `*/${minutes} * * * *`,
      concurrencyPolicy: concurrency,
      jobTemplate: { spec: { template: template(name, "250m", { never: true, annotations: hollow(40, 0) }) } },
    },
  };
}

function hollow(seconds: number, exitCode: number): Record<string, string> {
  return { "troupe.dev/hollow-run-seconds": String(seconds), "troupe.dev/hollow-exit-code": String(exitCode) };
}

export function quotaOf(namespace: string, pods: number): ResourceQuota {
  return { metadata: { name: "pods", namespace, ...NEW }, spec: { hard: { pods: String(pods) } } };
}

export function namespaceOf(name: string): KubeObject {
  return { metadata: { name, ...NEW }, spec: {} } as KubeObject;
}

/** A node that its administrator registers, where it was before. */
export function nodeOf(name: string): Node {
  const number = Number(name.slice(NODE_PREFIX.length));
  const labels = { ...HOLLOW_FORM.labels(number), "troupe.dev/runtime": "hollow", "kubernetes.io/hostname": name };
  return { metadata: { name, labels, ...NEW }, spec: {} } as Node;
}

/** The nodes of a zone that hollow nodes are dealt out to. */
export function nodesOfZone(zone: number, nodes: number): readonly string[] {
  const of = (number: number): string | undefined => HOLLOW_FORM.labels(number)[ZONE];
  return Array.from({ length: nodes }, (_, number) => number)
    .filter((number) => of(number) === of(zone))
    .map((number) => `${NODE_PREFIX}${number}`);
}

export { POOR_TEAM, TEAMS };
