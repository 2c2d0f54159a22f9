/** A manifest with placeholders: `$(name)`, `$(namespace)`, `$(replicas)`, `$(run)`. A text that is nothing but `$(replicas)` becomes the number. */
export interface Template {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [member: string]: unknown;
}

/** What stands in place of a template's placeholders. */
export interface Filling {
  readonly name: string;
  readonly namespace: string;
  readonly replicas: number;
  readonly run: string;
}

/** The label that all pods of a run bear, with the run's name as its value. */
export const LOAD_LABEL = "troupe-load";

type Tree = Readonly<Record<string, unknown>>;

const LABELS = { app: "$(name)" };
const CONTAINER = { name: "pause", image: "registry.k8s.io/pause:3.10", resources: { requests: { cpu: "10m", memory: "16Mi" } } };
const podTemplate = (more: Tree = {}, annotations: Tree = {}): Tree => ({
  metadata: { labels: LABELS, annotations },
  spec: { containers: [CONTAINER], ...more },
});
const selector = { matchLabels: LABELS };

/** Pods of a job are meant to end; on nodes that only play containers these run for longer than any run of the driver. */
const RUN_LONG = { "troupe.dev/hollow-run-seconds": "86400" };

/** Templates that every workload has, of kinds as they are mixed in real clusters. */
export const BUILT_IN_TEMPLATES: Readonly<Record<string, Template>> = {
  deployment: {
    apiVersion: "apps/v1",
    kind: "Deployment",
    spec: { replicas: "$(replicas)", selector, template: podTemplate() },
  },
  statefulset: {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    spec: { replicas: "$(replicas)", serviceName: "$(name)", podManagementPolicy: "Parallel", selector, template: podTemplate() },
  },
  daemonset: { apiVersion: "apps/v1", kind: "DaemonSet", spec: { selector, template: podTemplate() } },
  // A deleted pod of a Job counts as failed, and each failure makes the next wait longer: of its index, or else of the whole Job, minutes on end.
  job: {
    apiVersion: "batch/v1",
    kind: "Job",
    spec: {
      completionMode: "Indexed",
      parallelism: "$(replicas)",
      completions: "$(replicas)",
      backoffLimitPerIndex: 1_000_000,
      template: podTemplate({ restartPolicy: "Never" }, RUN_LONG),
    },
  },
  service: { apiVersion: "v1", kind: "Service", spec: { selector: LABELS, ports: [{ port: 80 }] } },
  configmap: { apiVersion: "v1", kind: "ConfigMap", data: { settings: "a: 1\nb: 2\n" } },
  secret: { apiVersion: "v1", kind: "Secret", stringData: { token: "$(name)-of-$(run)" } },
};

/** The manifest of one object. It and its pods, if it has any, bear the run's label. */
export function fill(template: Template, filling: Filling): Tree {
  const filled = replaced(template, filling) as Tree;
  const { name, namespace, run } = filling;
  const marked = (metadata: unknown): Tree => {
    const { labels, ...rest } = (metadata ?? {}) as Tree;
    return { ...rest, labels: { ...(labels as Tree | undefined), [LOAD_LABEL]: run } };
  };
  const spec = filled.spec as Tree | undefined;
  const pods = spec?.template as Tree | undefined;
  return {
    ...filled,
    metadata: { ...marked(filled.metadata), name, namespace },
    ...(pods === undefined ? {} : { spec: { ...spec, template: { ...pods, metadata: marked(pods.metadata) } } }),
  };
}

/** How many pods an object asks for; one on each node of a DaemonSet. */
export function podsAskedFor(manifest: Tree, nodes: number): number {
  const { replicas = 1, parallelism = 1 } = (manifest.spec ?? {}) as { readonly replicas?: number; readonly parallelism?: number };
  switch (manifest.kind) {
    case "Deployment":
    case "StatefulSet":
    case "ReplicaSet":
    case "ReplicationController":
      return replicas;
    case "Job":
      return parallelism;
    case "DaemonSet":
      return nodes;
    case "Pod":
      return 1;
    default:
      return 0;
  }
}

const PLACEHOLDER = /\$\((name|namespace|replicas|run)\)/g;

function replaced(value: unknown, filling: Filling): unknown {
  if (typeof value === "string") {
    return value === "$(replicas)" ? filling.replicas : value.replace(PLACEHOLDER, (_, name: keyof Filling) => String(filling[name]));
  }
  if (Array.isArray(value)) return value.map((item) => replaced(item, filling));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaced(member, filling)]));
}
