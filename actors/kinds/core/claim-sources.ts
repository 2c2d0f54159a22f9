/**
 * What a claim's volume is filled from. It stands in two fields that say the same: `dataSource`, of which clients before Kubernetes 1.24 know, takes
 * claims and snapshots only; `dataSourceRef` takes anything. Source: pkg/api/persistentvolumeclaim, KEP 1495.
 */
import { invalid } from "../field-error.ts";
import type { PersistentVolumeClaimSpec, TypedLocalObjectReference } from "../generated/types.ts";
import type { FieldError } from "../status.ts";

type Sources = Pick<PersistentVolumeClaimSpec, "dataSource" | "dataSourceRef">;

function isClaimOrSnapshot({ apiGroup = "", kind }: TypedLocalObjectReference): boolean {
  return apiGroup === "" ? kind === "PersistentVolumeClaim" : apiGroup === "snapshot.storage.k8s.io" && kind === "VolumeSnapshot";
}

function local({ apiGroup, kind, name }: TypedLocalObjectReference): TypedLocalObjectReference {
  return apiGroup === undefined ? { kind, name } : { apiGroup, kind, name };
}

/** Drops what is not taken and fills in the other field. Changes the spec that it is given; `current`: what it is to replace. */
export function settleSources(spec: Sources, current: Sources = {}): void {
  // What is in other namespaces is behind a feature gate that is closed.
  if (spec.dataSourceRef?.namespace && current.dataSourceRef === undefined) delete spec.dataSourceRef;
  const filled = current.dataSource !== undefined || current.dataSourceRef !== undefined;
  if (!filled && spec.dataSourceRef === undefined && spec.dataSource !== undefined && !isClaimOrSnapshot(spec.dataSource)) {
    delete spec.dataSource;
  }
  if (spec.dataSourceRef === undefined) {
    if (spec.dataSource !== undefined) spec.dataSourceRef = local(spec.dataSource);
  } else if (spec.dataSource === undefined && !spec.dataSourceRef.namespace) spec.dataSource = local(spec.dataSourceRef);
}

/** The two fields beside one another. Kubernetes shows a path, which prints as nothing. */
export function validateAgreement({ dataSource, dataSourceRef }: Sources, field: string): FieldError[] {
  if (dataSource === undefined || dataSourceRef === undefined) return [];
  if (dataSourceRef.namespace) return [invalid(field, {}, "may not be specified when dataSourceRef.namespace is specified")];
  const { apiGroup, kind, name } = dataSource;
  const same = apiGroup === dataSourceRef.apiGroup && kind === dataSourceRef.kind && name === dataSourceRef.name;
  return same ? [] : [invalid(field, {}, "must match dataSourceRef")];
}
