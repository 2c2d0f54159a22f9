/** The tables of what keeps a number of pods: ReplicaSets and ReplicationControllers. Source: pkg/printers/internalversion. */
import { containerCells } from "../core/pod-cells.ts";
import type { PodTemplateSpec } from "../generated/types.ts";
import type { Cell, Column } from "../kind.ts";
import type { KubeObject } from "../object.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, wideColumn } from "../table.ts";

interface Replicated extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly template?: PodTemplateSpec };
  readonly status?: { readonly replicas?: number; readonly readyReplicas?: number };
}

export const REPLICAS_COLUMNS: readonly Column[] = [
  NAME_COLUMN,
  column("Desired", "How many pods are wanted", "integer"),
  column("Current", "How many pods there are", "integer"),
  column("Ready", "How many pods are ready", "integer"),
  AGE_COLUMN,
  wideColumn("Containers", "The names of the containers"),
  wideColumn("Images", "The images of the containers"),
  wideColumn("Selector", "The labels of the pods"),
];

/** `selector` as its kind prints it. */
export function replicasCells(object: Replicated, selector: string, now_ms: number): readonly Cell[] {
  const { metadata, spec, status } = object;
  return [
    metadata.name,
    spec.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageOf(object, now_ms),
    ...containerCells(spec.template),
    selector,
  ];
}
