import type { PersistentVolume, PersistentVolumeClaim } from "../../actors/kinds/generated/types.ts";
import { matchesLabels, selectorOf } from "../../actors/kinds/machinery/label-selector.ts";
import { parseQuantity, quantityMilliValue, quantityValue } from "../../actors/kinds/machinery/quantity.ts";
import { decodeObject } from "../../actors/kinds/text.ts";
import type { KubeObject, Node, Pod, StoredRecord } from "../../actors/mod.ts";

/** A commit as the checks see it: one object, before and after. */
export interface Commit<T extends KubeObject = KubeObject> {
  readonly at_ms: number;
  readonly key: string;
  readonly revision: number;
  /** Undefined: it was made. */
  readonly before: T | undefined;
  /** Undefined: it is gone. */
  readonly now: T | undefined;
}

/** A line of what happened to an object. */
interface Line {
  readonly at_ms: number;
  readonly key: string;
  readonly text: string;
}

/** Resources that nothing is checked of, and that change most. */
const NOT_KEPT: ReadonlySet<string> = new Set(["leases.coordination.k8s.io", "events", "events.events.k8s.io"]);
/** Of the past so many lines are kept, for the report. */
const LINES_MAX = 20_000;

/** The cluster as the log tells it, whatever any host of it believes. */
export class Ledger {
  readonly #objects = new Map<string, KubeObject>();
  readonly #byResource = new Map<string, Map<string, KubeObject>>();
  readonly #podsByNode = new Map<string, Set<string>>();
  readonly #podsByOwner = new Map<string, Set<string>>();
  readonly #uids = new Set<string>();
  readonly #lines: Line[] = [];
  revision = 0;

  /** Takes a record of the log; gives what it changed, where that is kept. */
  apply({ op, key, revision, stored }: StoredRecord, at_ms: number): Commit | undefined {
    this.revision = revision;
    if (!isKept(key)) return undefined;
    const before = this.#objects.get(key);
    const now = stored === undefined ? undefined : decodeObject<KubeObject>(stored.text, revision);
    this.#replace(key, before, now);
    this.#note({ at_ms, key, text: `${revision} ${op} ${now === undefined ? "" : summaryOf(now)}` });
    return { at_ms, key, revision, before, now };
  }

  get<T extends KubeObject>(key: string): T | undefined {
    return this.#objects.get(key) as T | undefined;
  }

  all<T extends KubeObject>(resource: string): T[] {
    return [...(this.#byResource.get(resource)?.values() ?? [])] as T[];
  }

  hasUid(uid: string): boolean {
    return this.#uids.has(uid);
  }

  podsOn(node: string): Pod[] {
    return this.#pods(this.#podsByNode.get(node));
  }

  podsOf(uid: string): Pod[] {
    return this.#pods(this.#podsByOwner.get(uid));
  }

  /** The pods of a namespace that a selector means. */
  podsLike(namespace: string | undefined, selector: Parameters<typeof selectorOf>[0]): Pod[] {
    const wanted = selectorOf(selector);
    return this.all<Pod>("pods").filter(({ metadata }) => metadata.namespace === namespace && matchesLabels(wanted, metadata.labels));
  }

  /** What happened last to objects whose keys have one of these words in them. */
  linesAbout(words: readonly string[], most: number): readonly string[] {
    const lines = this.#lines.filter(({ key }) => words.some((word) => key.includes(word)));
    return lines.slice(-most).map(({ at_ms, key, text }) => `${clockText(at_ms)}  ${key} ${text}`);
  }

  #pods(keys: ReadonlySet<string> | undefined): Pod[] {
    return [...(keys ?? [])].flatMap((key) => this.get<Pod>(key) ?? []);
  }

  #replace(key: string, before: KubeObject | undefined, now: KubeObject | undefined): void {
    const resource = key.slice(0, key.indexOf("/"));
    const table = this.#byResource.get(resource) ?? new Map<string, KubeObject>();
    this.#byResource.set(resource, table);
    if (before !== undefined) this.#uids.delete(before.metadata.uid);
    if (now === undefined) {
      this.#objects.delete(key);
      table.delete(key);
    } else {
      this.#objects.set(key, now);
      table.set(key, now);
      this.#uids.add(now.metadata.uid);
    }
    if (resource === "pods") this.#index(key, before as Pod | undefined, now as Pod | undefined);
  }

  #index(key: string, before: Pod | undefined, now: Pod | undefined): void {
    move(this.#podsByNode, key, before?.spec.nodeName, now?.spec.nodeName);
    move(this.#podsByOwner, key, before && controllerOf(before)?.uid, now && controllerOf(now)?.uid);
  }

  #note(line: Line): void {
    this.#lines.push(line);
    if (this.#lines.length > 2 * LINES_MAX) this.#lines.splice(0, LINES_MAX);
  }
}

/** Whether the ledger wants to know of this object. */
function isKept(key: string): boolean {
  return !NOT_KEPT.has(key.slice(0, key.indexOf("/")));
}

function move(index: Map<string, Set<string>>, key: string, from: string | undefined, to: string | undefined): void {
  if (from === to) return;
  if (from !== undefined) {
    const keys = index.get(from);
    keys?.delete(key);
    if (keys?.size === 0) index.delete(from);
  }
  if (to === undefined) return;
  const keys = index.get(to);
  if (keys === undefined) index.set(to, new Set([key]));
  else keys.add(key);
}

export function keyOfObject(resource: string, { namespace, name }: { readonly namespace?: string; readonly name: string }): string {
  return namespace === undefined ? `${resource}/${name}` : `${resource}/${namespace}/${name}`;
}

export function controllerOf({ metadata }: KubeObject): { readonly kind: string; readonly name: string; readonly uid: string } | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

export function isOver({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** It is there and is to stay. */
export function isActive(pod: Pod): boolean {
  return !isOver(pod) && pod.metadata.deletionTimestamp === undefined;
}

export function isReady({ status }: Pod | Node): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
}

/** The node that a pod of a DaemonSet is for. */
export function pinnedTo({ spec }: Pod): string | undefined {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields }) => matchFields ?? []).find(({ key }) => key === "metadata.name")?.values?.[0];
}

/** The keys of the claims that a pod uses. */
export function claimsOf({ metadata, spec }: Pod): readonly string[] {
  return (spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) =>
    persistentVolumeClaim === undefined ? [] : [`persistentvolumeclaims/${metadata.namespace}/${persistentVolumeClaim.claimName}`],
  );
}

/** The nodes on which all volumes of the pod are; undefined: they do not say. */
export function nodesOfVolumes(ledger: Ledger, pod: Pod): readonly string[] | undefined {
  let nodes: readonly string[] | undefined;
  for (const claim of claimsOf(pod)) {
    const volume = ledger.get<PersistentVolumeClaim>(claim)?.spec.volumeName;
    const terms = ledger.get<PersistentVolume>(`persistentvolumes/${volume}`)?.spec.nodeAffinity?.required?.nodeSelectorTerms;
    const own = terms?.flatMap(({ matchExpressions }) => matchExpressions ?? []).flatMap(({ values }) => values ?? []);
    if (own !== undefined) nodes = nodes === undefined ? own : nodes.filter((node) => own.includes(node));
  }
  return nodes;
}

/** What a pod asks for of each resource, in thousandths of its unit. */
export function requestsOf({ spec }: Pod): ReadonlyMap<string, number> {
  const sum = new Map<string, number>([["pods", 1_000]]);
  for (const { resources } of spec.containers) {
    for (const [resource, quantity] of Object.entries(resources?.requests ?? {})) {
      sum.set(resource, (sum.get(resource) ?? 0) + milliOf(resource, quantity));
    }
  }
  return sum;
}

/** Bytes are not counted in thousandths. */
export function milliOf(resource: string, quantity: string): number {
  const parsed = parseQuantity(String(quantity));
  return resource === "cpu" ? quantityMilliValue(parsed) : quantityValue(parsed) * 1_000;
}

/** `05:12:03.120` of the first day. */
export function clockText(at_ms: number): string {
  return new Date(at_ms).toISOString().slice(11, 23);
}

function summaryOf(object: KubeObject): string {
  const { metadata, status, spec } = object as KubeObject & {
    readonly status?: Readonly<Record<string, unknown>>;
    readonly spec?: Readonly<Record<string, unknown>>;
  };
  const words: string[] = [`uid=${metadata.uid.slice(0, 8)}`];
  if (metadata.deletionTimestamp !== undefined) words.push("deleting");
  for (const field of ["nodeName", "replicas", "unschedulable", "parallelism", "completions", "taints"]) {
    if (spec?.[field] !== undefined) words.push(`${field}=${JSON.stringify(spec[field])}`);
  }
  for (const [field, value] of Object.entries(status ?? {})) {
    if (typeof value !== "object") words.push(`status.${field}=${String(value)}`);
  }
  const conditions = (status?.conditions ?? []) as readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
  for (const { type, status: is, reason } of conditions) {
    if (type === "Ready" || type === "DisruptionTarget" || type === "Progressing")
      words.push(`${type}=${is}${reason === undefined ? "" : `(${reason})`}`);
  }
  return words.join(" ");
}
