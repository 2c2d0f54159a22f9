import { DeploymentKind } from "../../kinds/apps/deployment.ts";
import type { Deployment, PodTemplateSpec, ReplicaSet } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { newMeta } from "../actions.ts";
import { controllerReference } from "../ownership.ts";
import { templateHash } from "../pods/template-hash.ts";
import { byAge, maxSurge, wantedReplicas } from "./deployment-limits.ts";

const HASH_LABEL = "pod-template-hash";
/** What is left of spec.rollbackTo of extensions/v1beta1: the revision that is to be the present one again; 0: the one before. */
export const ROLLBACK_TO = "deprecated.deployment.rollback.to";
export const REVISION = "deployment.kubernetes.io/revision";
const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";
const REVISION_HISTORY_CHARACTERS_MAX = 2_000;
const NAME_CHARACTERS_MAX = 253;
const REPLICAS_MAX = 2_147_483_647;

/** Annotations that are a Deployment's or a ReplicaSet's own business. */
const NOT_COPIED = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  ROLLBACK_TO,
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
]);

type Annotations = Record<string, string>;

/** The ReplicaSet of the Deployment's present template, and all others. Source: FindNewReplicaSet and FindOldReplicaSets. */
export interface Revisions {
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly all: readonly ReplicaSet[];
  /** What the revision of the current one has to be: one more than that of any other. */
  readonly revision: bigint;
}

export function revisionsOf(deployment: Deployment, sets: readonly ReplicaSet[]): Revisions {
  const all = [...sets].sort(byAge);
  const current = all.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
  const old = all.filter((set) => set !== current);
  return { current, old, all, revision: revisionAfter(old) };
}

/** A set that somebody else made may bear any number of 64 bits; what is none counts as 0. */
export function revisionOf(set: ReplicaSet): bigint {
  const text = set.metadata.annotations?.[REVISION] ?? "";
  return text !== "" && isRevision(text) ? BigInt(text) : 0n;
}

/** That there is none yet is one, too. */
export function isRevision(text: string): boolean {
  return text === "" || (/^[+-]?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text));
}

/** One more than that of any of them. */
function revisionAfter(sets: readonly ReplicaSet[]): bigint {
  let last = 0n;
  for (const set of sets) {
    const revision = revisionOf(set);
    if (revision > last) last = revision;
  }
  return last + 1n;
}

/** Equal but for the label with the hash. Source: EqualIgnoreHash. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  const metadataOf = ({ metadata }: PodTemplateSpec): object => ({ ...withoutHash(metadata), annotations: metadata?.annotations ?? {} });
  return semanticEqual(a.spec, b.spec) && semanticEqual(metadataOf(a), metadataOf(b));
}

export function withoutHash(metadata: PodTemplateSpec["metadata"] = {}): NonNullable<PodTemplateSpec["metadata"]> {
  const { [HASH_LABEL]: _hash, ...labels } = metadata.labels ?? {};
  return { ...metadata, labels };
}

/** The name that the ReplicaSet of the present template would have; of a long name the end gives way to the hash. Source: generateReplicaSetName. */
export function newSetName({ metadata, spec, status }: Deployment): string {
  const suffix = `-${templateHash(spec.template, status?.collisionCount)}`;
  return `${metadata.name.slice(0, NAME_CHARACTERS_MAX - suffix.length)}${suffix}`;
}

/** The ReplicaSet of the present template, to be created with so many replicas. */
export function newSet(deployment: Deployment, revision: bigint, replicas: number): ReplicaSet {
  const { spec, metadata } = deployment;
  const hash = templateHash(spec.template, deployment.status?.collisionCount);
  const template = structuredClone(spec.template);
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const annotations = { ...copiedAnnotations(deployment), [REVISION]: String(revision), ...replicasAnnotations(deployment) };
  return {
    metadata: newMeta({
      name: newSetName(deployment),
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels: { ...labels },
      annotations,
      ownerReferences: [controllerReference(DeploymentKind, deployment)],
    }),
    spec: {
      replicas,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector: { ...structuredClone(spec.selector), matchLabels: { ...spec.selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** The current ReplicaSet with the Deployment's annotations, its revision and minReadySeconds; undefined when it has them. */
export function broughtUpToDate(deployment: Deployment, set: ReplicaSet, revision: bigint): ReplicaSet | undefined {
  const before: Annotations = set.metadata.annotations ?? {};
  const annotations: Annotations = { ...before, ...copiedAnnotations(deployment) };
  const was = before[REVISION];
  // What bears something else there is left as it is.
  const isNumbered = isRevision(was ?? "");
  if (isNumbered && revisionOf(set) < revision) {
    annotations[REVISION] = String(revision);
    // A revision that comes back (a rollback) remembers which it was.
    if (was !== undefined) annotations[REVISION_HISTORY] = appendRevision(before[REVISION_HISTORY], was);
  }
  const { minReadySeconds = 0 } = deployment.spec;
  const sameSpec = (set.spec.minReadySeconds ?? 0) === minReadySeconds;
  if (sameSpec && (!isNumbered || semanticEqual(annotations, before))) return undefined;
  return { ...set, metadata: { ...set.metadata, annotations }, spec: sameSpec ? set.spec : { ...set.spec, minReadySeconds } };
}

function appendRevision(history: string | undefined, revision: string): string {
  const revisions = history === undefined || history === "" ? [revision] : [...history.split(","), revision];
  while (revisions.length > 1 && revisions.join(",").length > REVISION_HISTORY_CHARACTERS_MAX) revisions.shift();
  return revisions.join(",");
}

function copiedAnnotations({ metadata }: Deployment | ReplicaSet): Annotations {
  return Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => !NOT_COPIED.has(name)));
}

/** A Deployment's annotations when those of an older set are brought back: its own business stays. Source: SetDeploymentAnnotationsTo. */
export function annotatedAs(deployment: Deployment, set: ReplicaSet): Annotations {
  const own = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => NOT_COPIED.has(name));
  return { ...Object.fromEntries(own), ...copiedAnnotations(set) };
}

/** What the sets of a Deployment remember of it, so that a later change of its size can be told from a rollout. */
export function replicasAnnotations(deployment: Deployment): Annotations {
  const replicas = wantedReplicas(deployment);
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + maxSurge(deployment)) };
}

/** A number of pods in an annotation; undefined when it is absent or none. */
export function annotatedNumber(set: ReplicaSet, annotation: string): number | undefined {
  const text = set.metadata.annotations?.[annotation] ?? "";
  return /^\d+$/.test(text) && Number(text) <= REPLICAS_MAX ? Number(text) : undefined;
}
