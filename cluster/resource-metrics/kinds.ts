/** The kinds of `metrics.k8s.io/v1beta1`, which are worked out when they are asked for and never stored. Source: k8s.io/metrics, and metrics-server. */
import { customKinds } from "../../actors/kinds/custom/custom-kind.ts";
import type { StructuralSchema } from "../../actors/kinds/custom/structural-schema.ts";
import type { CustomResourceDefinition } from "../../actors/kinds/generated/types.ts";
import type { Column, Kind } from "../../actors/kinds/kind.ts";
import { addQuantities, formatQuantity, parseQuantity } from "../../actors/kinds/machinery/quantity.ts";
import type { KubeObject } from "../../actors/kinds/object.ts";

export const METRICS_GROUP = "metrics.k8s.io";
export const METRICS_VERSION = "v1beta1";

/** Over how long usage is said to be measured: metrics-server's default resolution. */
export const WINDOW_MS = 15_000;

/** Quantities by the name of the resource. */
export interface Usage {
  readonly cpu: string;
  readonly memory: string;
}

interface Measured extends KubeObject {
  readonly timestamp: string;
  /** A Go duration: over how long it was measured. */
  readonly window: string;
}

export interface NodeMetrics extends Measured {
  readonly usage: Usage;
}

export interface PodMetrics extends Measured {
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[];
}

const USAGE: StructuralSchema = {
  description: "How much is used of each resource.",
  type: "object",
  additionalProperties: { type: "string" },
};
const MEASURED: Readonly<Record<string, StructuralSchema>> = {
  timestamp: { description: "When the time ended over which was measured.", type: "string", format: "date-time" },
  window: { description: "How long was measured.", type: "string" },
};
const CONTAINERS: StructuralSchema = {
  description: "What each container uses.",
  type: "array",
  items: { type: "object", required: ["name", "usage"], properties: { name: { description: "Its name.", type: "string" }, usage: USAGE } },
};

/** Source: metrics-server's pkg/api/table.go. */
const COLUMNS: readonly Column[] = [
  { name: "Name", type: "string", format: "name", description: "Name of the resource", priority: 0 },
  { name: "cpu", type: "string", format: "quantity", description: "", priority: 0 },
  { name: "memory", type: "string", format: "quantity", description: "", priority: 0 },
  { name: "Window", type: "string", format: "duration", description: "", priority: 0 },
];

function sum(all: readonly Usage[], resource: keyof Usage): string {
  return formatQuantity(all.map((usage) => parseQuantity(usage[resource])).reduce(addQuantities, parseQuantity("0")));
}

function metricsKind<T extends Measured>(
  names: { readonly kind: string; readonly plural: string; readonly scope: "Cluster" | "Namespaced" },
  properties: Readonly<Record<string, StructuralSchema>>,
  usagesOf: (object: T) => readonly Usage[],
): Kind {
  const { scope, ...rest } = names;
  const schema: StructuralSchema = {
    description: `${names.kind} says what is used of the resources of a ${names.plural.slice(0, -1)}.`,
    type: "object",
    required: ["timestamp", "window", ...Object.keys(properties)],
    properties: { ...MEASURED, ...properties },
  };
  const definition = {
    metadata: { name: `${names.plural}.${METRICS_GROUP}`, uid: "", creationTimestamp: "" },
    spec: {
      group: METRICS_GROUP,
      names: rest,
      scope,
      versions: [{ name: METRICS_VERSION, served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
  const [kind] = customKinds(definition as unknown as CustomResourceDefinition);
  if (kind === undefined) throw new Error("a version that is served is a kind");
  return {
    ...kind,
    singular: "",
    verbs: ["get", "list"],
    schema: `io.k8s.metrics.pkg.apis.metrics.${METRICS_VERSION}.${names.kind}`,
    columns: COLUMNS,
    cells: (object) => {
      const usages = usagesOf(object as T);
      return [object.metadata.name, sum(usages, "cpu"), sum(usages, "memory"), (object as T).window];
    },
  };
}

export const NodeMetricsKind: Kind = metricsKind<NodeMetrics>(
  { kind: "NodeMetrics", plural: "nodes", scope: "Cluster" },
  { usage: USAGE },
  ({ usage }) => [usage],
);

export const PodMetricsKind: Kind = metricsKind<PodMetrics>(
  { kind: "PodMetrics", plural: "pods", scope: "Namespaced" },
  { containers: CONTAINERS },
  ({ containers }) => containers.map(({ usage }) => usage),
);
