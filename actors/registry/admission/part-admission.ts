/** Admission of writes through subresources: a status, a Binding, an Eviction, a Scale. Few look at them: webhooks, policies, and what restricts nodes and signers. */
import type { Kind } from "../../kinds/kind.ts";
import { resourceOf } from "../../kinds/kind.ts";
import type { BodyKind } from "../../kinds/machinery/body.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { WriteOptions } from "../registry.ts";
import type { StoreAccess } from "../store-access.ts";
import { type AdmissionPlugin, type AdmissionRequest, admit } from "./admission.ts";

export interface DividedAdmission {
  readonly partAdmission: readonly AdmissionPlugin[];
  readonly wholeAdmission: readonly AdmissionPlugin[];
}

export function dividedAdmission(plugins: readonly AdmissionPlugin[]): DividedAdmission {
  return {
    partAdmission: plugins.filter(({ busy }) => busy !== undefined),
    wholeAdmission: plugins.filter(({ busy }) => busy === undefined),
  };
}

/** Whether any of them looks at such a write. */
export function isBusy(plugins: readonly AdmissionPlugin[], options: WriteOptions, resource: string): boolean {
  for (const plugin of plugins) if (plugin.busy?.(options, resource) === true) return true;
  return false;
}

export interface PartWrite {
  readonly operation: "create" | "update" | "connect";
  /** Whose part it is. */
  readonly kind: Kind;
  readonly subresource: string;
  readonly speaks: BodyKind;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly object: KubeObject;
  readonly current?: KubeObject;
  readonly options: WriteOptions;
}

/** Lets them see what is written through a subresource that speaks a kind of its own; resolves to what they made of it. */
export async function admitPart<T extends KubeObject>(
  world: { readonly access: StoreAccess; readonly partAdmission: readonly AdmissionPlugin[] },
  write: PartWrite & { readonly object: T },
): Promise<T> {
  const { access, partAdmission } = world;
  if (!isBusy(partAdmission, write.options, resourceOf(write.kind))) return write.object;
  const { kind, current } = write;
  const request: AdmissionRequest = {
    ...write,
    requested: kind,
    resource: resourceOf(kind),
    object: structuredClone(write.object),
    current,
  };
  await admit(partAdmission, "mutate", request, access);
  await admit(partAdmission, "validate", request, access);
  return request.object as T;
}
