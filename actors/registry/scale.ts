import { conflict, internalError, invalid, notFound } from "../kinds/errors.ts";
import { invalid as invalidField } from "../kinds/field-error.ts";
import type { LabelSelector, Scale } from "../kinds/generated/types.ts";
import { asServed, type Kind, resourceOf } from "../kinds/kind.ts";
import type { BodyKind } from "../kinds/machinery/body.ts";
import { printSelector, selectorOf } from "../kinds/machinery/label-selector.ts";
import type { KubeObject } from "../kinds/object.ts";
import { decodeObject } from "../kinds/text.ts";
import type { Key } from "../store/transaction.ts";
import type { Entry } from "../store/view.ts";
import { admitPart, isBusy } from "./admission/part-admission.ts";
import type { WriteWorld } from "./create.ts";
import type { WriteOptions } from "./registry.ts";
import type { StoreAccess } from "./store-access.ts";
import { decideUpdate, namedRevision } from "./update.ts";
import type { Step } from "./writes.ts";
import { changeStored, uidConflict } from "./writes.ts";

/** Where a Scale's fields are described, and how it is named. */
export const SCALE: BodyKind = { group: "autoscaling", version: "v1", kind: "Scale", schema: "io.k8s.api.autoscaling.v1.Scale" };

/** What all workloads with a `scale` have. */
interface Scalable extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly selector?: LabelSelector | Readonly<Record<string, string>> };
  readonly status?: { readonly replicas?: number };
}

/** ReplicationControllers select by a plain map of labels. */
function labelSelectorOf(selector: Scalable["spec"]["selector"]): LabelSelector | undefined {
  if (selector === undefined || !Object.values(selector).every((value) => typeof value === "string")) return selector as LabelSelector;
  return { matchLabels: selector as Readonly<Record<string, string>> };
}

/** The Scale of a workload. Source: pkg/registry/apps/deployment/storage, scaleFromDeployment. */
export function scaleOf(kind: Pick<Kind, "custom">, object: KubeObject): Scale {
  const { metadata, replicas, statusReplicas, selector } = scaled(kind, object);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      creationTimestamp,
    },
    spec: replicas === undefined || replicas === 0 ? {} : { replicas },
    status: { replicas: statusReplicas, ...(selector === "" ? {} : { selector }) },
  };
}

interface Scaled {
  readonly metadata: KubeObject["metadata"];
  readonly replicas: number | undefined;
  readonly statusReplicas: number;
  readonly selector: string;
}

function scaled({ custom }: Pick<Kind, "custom">, object: KubeObject): Scaled {
  const { metadata } = object;
  const fields = custom?.scale;
  if (fields !== undefined) {
    if (fields.replicas(object) === undefined) throw internalError(`the spec replicas field "${fields.specReplicasPath}" does not exist`);
    return {
      metadata,
      replicas: fields.replicas(object),
      statusReplicas: fields.statusReplicas(object),
      selector: fields.selector(object),
    };
  }
  const { spec, status } = object as Scalable;
  const selector = printSelector(selectorOf(labelSelectorOf(spec.selector)));
  return { metadata, replicas: spec.replicas, statusReplicas: status?.replicas ?? 0, selector };
}

/** The Scale of a workload as it was written. */
export function scaleOfEntry(kind: Kind, entry: Entry): Scale {
  return scaleOf(kind, asServed(kind, decodeObject(entry.text, entry.revision)));
}

/** Sets the replicas of a workload by a Scale, under the same rules as an update of the whole. */
export async function scaleObject(world: WriteWorld, kind: Kind, scale: Scale, options: WriteOptions): Promise<Scale> {
  const { namespace, name, uid } = scale.metadata;
  const named = namedRevision(scale);
  const entry = await changeStored(world.access, kind, namespace, name, (entry, current) => {
    if (uid !== undefined && uid !== "" && uid !== current.metadata.uid) throw uidConflict(kind, kind, current, uid);
    if (named !== undefined && named !== String(entry.revision)) throw conflict(kind, name);
    return decideScale(world, kind, entry, current, scale, options, named !== undefined);
  });
  return scaleOfEntry(kind, entry);
}

/** One attempt at giving the workload the replicas of this Scale. */
export async function decideScale(
  world: WriteWorld,
  kind: Kind,
  entry: Entry,
  current: KubeObject,
  given: Scale,
  options: WriteOptions,
  insists: boolean,
): Promise<Step<Entry>> {
  const { namespace, name } = current.metadata;
  const part = { operation: "update", kind, subresource: "scale", speaks: SCALE, namespace, name } as const;
  const scale = isBusy(world.partAdmission, options, resourceOf(kind))
    ? await admitPart(world, { ...part, object: given, current: scaleOf(kind, current), options })
    : given;
  const replicas = scale.spec?.replicas ?? 0;
  if (replicas < 0) {
    const error = invalidField("spec.replicas", replicas, "must be greater than or equal to 0");
    throw invalid({ group: "autoscaling", kind: "Scale" }, scale.metadata.name, [error]);
  }
  const workload =
    kind.custom?.conversion === undefined ? decodeObject<Scalable>(entry.text, entry.revision) : (structuredClone(current) as Scalable);
  const wanted = kind.custom?.scale?.withReplicas(workload, replicas) ?? { ...workload, spec: { ...workload.spec, replicas } };
  return decideUpdate(world, kind, entry, current, wanted, { ...options, door: "scale" }, insists);
}

/** The current Scale of a workload. NotFound when there is none. */
export async function readScale(access: StoreAccess, kind: Kind, key: Key, name: string): Promise<Scale> {
  const entry = await access.find(key);
  if (entry === undefined) throw notFound(kind, name);
  const conversion = kind.custom?.conversion;
  return conversion === undefined ? scaleOfEntry(kind, entry) : scaleOf(kind, await access.conversion.read(kind, conversion, entry));
}
