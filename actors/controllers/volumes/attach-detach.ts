import { NodeKind } from "../../kinds/core/node.ts";
import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type {
  CSIDriver,
  CSIPersistentVolumeSource,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  VolumeAttachment,
} from "../../kinds/generated/types.ts";
import { resourceOf } from "../../kinds/kind.ts";
import { CSIDriverKind } from "../../kinds/storage/csi-driver.ts";
import { VolumeAttachmentKind } from "../../kinds/storage/volume-attachment.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, Entry, View } from "../../store/view.ts";
import { anyKind, create, modifyStatus, newMeta, normal, regarding, remove, warning } from "../actions.ts";
import { conditionOf } from "../conditions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import {
  ATTACHMENTS,
  type AttachedSource,
  attachableSource,
  attachmentName,
  attachmentsByNode,
  attachmentsByVolume,
  isInUse,
  isShared,
  isToldAttached,
  tellingAttached,
  toldSource,
  volumeOfAttachment,
} from "./attachments.ts";
import { CLAIMS, claimKeysOf, isOver, mayHaveClaims, podsByClaim } from "./pod-claim-index.ts";

const VOLUMES = "persistentvolumes";
/** Its kubelet leaves attaching to us. */
const MANAGED_HERE = "volumes.kubernetes.io/controller-managed-attach-detach";
const OUT_OF_SERVICE = "node.kubernetes.io/out-of-service";
/** So long a node that is not healthy may take to unmount before the volume is taken from it. Source: ReconcilerMaxWaitForUnmountDuration. */
const UNMOUNT_MAX_MS = 6 * 60_000;
/** So long a driver may take before those who wait are told. Source: csiTimeout. */
const ATTACH_MAX_MS = 2 * 60_000;

/** An attachment that this controller made, for as long as it is there. Source: actualStateOfWorld. */
interface Known {
  readonly source: AttachedSource;
  /** Its node said so when it was last seen; one that was never seen may have it mounted. */
  isMounted: boolean;
  /** Since when nobody on its node wants it. */
  unwantedSince_ms: number | undefined;
  /** What is wrong, as each pod (by uid) was told last. */
  readonly told: Map<string, string>;
}

/** What is remembered of a volume between rounds. */
interface Memory {
  readonly known: Map<string, Known>;
  /** Nodes whose pods were told that others have the volume: once, for as long as they want it. */
  readonly refused: Set<string>;
}

/** An attachment of ours in one round. */
interface Held {
  readonly attachment: VolumeAttachment;
  readonly known: Known;
}

/**
 * Has volumes attached to the nodes whose pods want them, by VolumeAttachments that the driver of the volume answers, and detached when none does and the node
 * has unmounted them; nodes say which they have. Keys are those of volumes. Source: pkg/controller/volume/attachdetach.
 */
export function attachDetachController(): Controller {
  const memories = new Map<string, Memory>();
  return {
    name: "persistentvolume-attach-detach",
    component: "attachdetach-controller",
    kind: anyKind(PersistentVolumeKind),
    indexes: [podsByClaim, attachmentsByVolume, attachmentsByNode],
    author: controllerAccount("attachdetach-controller"),
    watches: [
      { resource: VOLUMES, keys: ({ now, before }) => [(now ?? (before as Entry)).key] },
      { resource: CLAIMS, keys: ({ now }, view) => (now === undefined ? NO_KEYS : volumeOf(view.decode(now))) },
      { resource: "pods", keys: keysOfPod },
      { resource: ATTACHMENTS, keys: ({ now, before }, view) => volumeOfAttachment(view, now ?? (before as Entry)) },
      { resource: "nodes", keys: keysOfNode },
      { resource: resourceOf(CSIDriverKind), keys: keysOfDriver },
    ],
    reconcile: (view, key, now_ms) => {
      const memory = memories.get(key) ?? { known: new Map(), refused: new Set() };
      const actions = reconcile(memory, view, key, now_ms);
      if (memory.known.size > 0 || memory.refused.size > 0) memories.set(key, memory);
      else memories.delete(key);
      return actions;
    },
  };
}

function volumeOf(claim: PersistentVolumeClaim | undefined): readonly string[] {
  return claim?.spec.volumeName ? [`${VOLUMES}/${claim.spec.volumeName}`] : NO_KEYS;
}

function keysOfPod({ now, before }: Change, view: View): readonly string[] {
  const entry = now ?? before;
  if (entry === undefined || !mayHaveClaims(entry)) return NO_KEYS;
  return claimKeysOf(view.decode<Pod>(entry)).flatMap((key) => volumeOf(view.get<PersistentVolumeClaim>(key)));
}

/** Most nodes have no volumes, and a change of theirs costs a look-up. */
function keysOfNode({ now, before }: Change, view: View): readonly string[] {
  const name = (now ?? (before as Entry)).key.slice("nodes/".length);
  return view.byIndex(attachmentsByNode.name, name).flatMap((entry) => volumeOfAttachment(view, entry));
}

/** Whether it attaches at all may have become different. Drivers seldom change, so their volumes are looked for. */
function keysOfDriver({ now, before }: Change, view: View): readonly string[] {
  const { name } = view.decode<CSIDriver>(now ?? (before as Entry)).metadata;
  const volumes = view.list(VOLUMES).filter((entry) => view.decode<PersistentVolume>(entry).spec?.csi?.driver === name);
  return volumes.map(({ key }) => key);
}

function reconcile(memory: Memory, view: View, key: string, now_ms: number): readonly Action[] {
  const volume = view.get<PersistentVolume>(key);
  const held = heldOf(memory, view, key.slice(VOLUMES.length + 1), volume);
  const source = attachableSource(view, volume);
  const wanted = volume === undefined || source === undefined ? new Map<string, readonly Pod[]>() : podsByNode(view, volume, held);
  for (const node of memory.refused) if (!wanted.has(node)) memory.refused.delete(node);
  const actions: Action[] = [];
  const going = new Set<Held>();
  for (const one of held) {
    const pods = wanted.get(one.attachment.spec.nodeName);
    const steps = pods === undefined ? detach(view, one, now_ms) : report(view, one, pods, now_ms);
    if (steps.some(({ do: what }) => what === "delete" || what === "inOrder")) going.add(one);
    actions.push(...steps);
  }
  if (volume === undefined || source === undefined) return actions;
  const waiting = [...wanted.keys()].filter((node) => !held.some(({ attachment }) => attachment.spec.nodeName === node));
  if (isShared(volume)) return [...actions, ...waiting.map((node) => attach(volume, source, node))];
  const [first] = waiting;
  if (held.length === 0) return first === undefined ? actions : [...actions, attach(volume, source, first)];
  if (held.every((one) => !going.has(one) && isAttached(one.attachment)))
    for (const node of waiting) actions.push(...refuse(memory, volume, node, wanted, held));
  return actions;
}

function isAttached({ metadata, status }: VolumeAttachment): boolean {
  return metadata.deletionTimestamp === undefined && status?.attached === true;
}

/** The attachments of the volume that this controller made. That a volume is gone does not make them others'. */
function heldOf({ known }: Memory, view: View, name: string, volume: PersistentVolume | undefined): readonly Held[] {
  const attachments = view.byIndex(attachmentsByVolume.name, name).map((entry) => view.decode<VolumeAttachment>(entry));
  const held = attachments.flatMap((attachment): Held[] => {
    const { metadata, spec } = attachment;
    const node = view.get<Node>(`nodes/${spec.nodeName}`);
    const source = volume?.spec?.csi ?? known.get(metadata.name)?.source ?? (node && toldSource(node, metadata.name));
    if (source === undefined || metadata.name !== attachmentName(source, spec.nodeName)) return [];
    const before = known.get(metadata.name) ?? { source, isMounted: true, unwantedSince_ms: undefined, told: new Map() };
    known.set(metadata.name, before);
    if (node !== undefined) before.isMounted = isInUse(node, source);
    return [{ attachment, known: before }];
  });
  for (const old of known.keys()) if (!held.some(({ attachment }) => attachment.metadata.name === old)) known.delete(old);
  return held;
}

/**
 * The pods that want the volume, by node. Nodes whose kubelets attach for themselves are left out; one that is gone keeps what it has until its pods are gone.
 */
function podsByNode(view: View, { metadata, spec }: PersistentVolume, held: readonly Held[]): ReadonlyMap<string, readonly Pod[]> {
  const { namespace = "", name = "", uid } = spec?.claimRef ?? {};
  const key = `${CLAIMS}/${namespace}/${name}`;
  const claim = view.get<PersistentVolumeClaim>(key);
  if (claim === undefined || claim.metadata.uid !== uid || claim.spec.volumeName !== metadata.name) return new Map();
  const pods = view
    .byIndex(podsByClaim.name, key)
    .map((entry) => view.decode<Pod>(entry))
    .filter((pod) => Boolean(pod.spec.nodeName) && !isOver(pod));
  const byNode = Map.groupBy(pods, (pod) => pod.spec.nodeName ?? "");
  for (const name of byNode.keys()) {
    const node = view.get<Node>(`nodes/${name}`);
    const isManaged =
      node === undefined
        ? held.some(({ attachment }) => attachment.spec.nodeName === name)
        : node.metadata.annotations?.[MANAGED_HERE] !== undefined;
    if (!isManaged) byNode.delete(name);
  }
  return byNode;
}

function attach(volume: PersistentVolume, source: CSIPersistentVolumeSource, node: string): Action {
  const spec = { attacher: source.driver, nodeName: node, source: { persistentVolumeName: volume.metadata.name } };
  return create(VolumeAttachmentKind, { metadata: newMeta({ name: attachmentName(source, node) }), spec });
}

/** What its driver says of an attachment becomes known to the node and to those who wait for it. */
function report(view: View, { attachment, known }: Held, pods: readonly Pod[], now_ms: number): readonly Action[] {
  known.unwantedSince_ms = undefined;
  const node = view.get<Node>(`nodes/${attachment.spec.nodeName}`);
  if (node === undefined || attachment.metadata.deletionTimestamp !== undefined) return NOTHING;
  const { source, told } = known;
  const volume = JSON.stringify(attachment.spec.source.persistentVolumeName);
  if (attachment.status?.attached !== true) {
    const left_ms = Date.parse(attachment.metadata.creationTimestamp ?? "") + ATTACH_MAX_MS - now_ms;
    const late = `timed out waiting for external-attacher of ${source.driver} CSI driver to attach volume ${source.volumeHandle}`;
    const why = attachment.status?.attachError?.message ?? (left_ms > 0 ? undefined : late);
    if (why === undefined) return [{ do: "requeue", after_ms: left_ms }];
    const message = `AttachVolume.Attach failed for volume ${volume} : ${why}`;
    const untold = pods.filter(({ metadata }) => told.get(metadata.uid ?? "") !== why);
    for (const { metadata } of untold) told.set(metadata.uid ?? "", why);
    return untold.map((pod) => ({ do: "event", note: warning(regarding(PodKind, pod), "FailedAttachVolume", message) }));
  }
  told.clear();
  if (isToldAttached(node, source)) return NOTHING;
  const message = `AttachVolume.Attach succeeded for volume ${volume} `;
  return [
    modifyStatus(NodeKind, node, (current) => (isToldAttached(current, source) ? undefined : tellingAttached(current, source, true))),
    ...pods.map((pod): Action => ({ do: "event", note: normal(regarding(PodKind, pod), "SuccessfulAttachVolume", message) })),
  ];
}

/** First the node says no more that it has the volume, then its driver is told to take it. Source: reconciler's reconcile. */
function detach(view: View, { attachment, known }: Held, now_ms: number): readonly Action[] {
  known.told.clear();
  if (attachment.metadata.deletionTimestamp !== undefined) return NOTHING;
  const node = view.get<Node>(`nodes/${attachment.spec.nodeName}`);
  if (known.isMounted) {
    known.unwantedSince_ms ??= now_ms;
    const isHealthy = conditionOf(node?.status?.conditions, "Ready")?.status === "True";
    const isOut = node?.spec.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true;
    const left_ms = known.unwantedSince_ms + UNMOUNT_MAX_MS - now_ms;
    if (!isOut && left_ms > 0) return [{ do: "requeue", after_ms: left_ms }];
    if (!isOut && isHealthy) return NOTHING;
  }
  const { source } = known;
  const deletion = remove(VolumeAttachmentKind, attachment);
  if (node === undefined || !isToldAttached(node, source)) return [deletion];
  const untold = modifyStatus(NodeKind, node, (current) =>
    isToldAttached(current, source) ? tellingAttached(current, source, false) : undefined,
  );
  return [{ do: "inOrder", steps: [untold, deletion] }];
}

/** Who waits for a volume that others have hears of it once. Source: reportMultiAttachError. */
function refuse(
  { refused }: Memory,
  volume: PersistentVolume,
  node: string,
  wanted: ReadonlyMap<string, readonly Pod[]>,
  holders: readonly Held[],
): readonly Action[] {
  if (refused.has(node)) return NOTHING;
  refused.add(node);
  const others = holders.flatMap(({ attachment }) => wanted.get(attachment.spec.nodeName) ?? []).map(({ metadata }) => metadata.name);
  const why =
    others.length > 0
      ? `Volume is already used by pod(s) ${others.sort().join(", ")}`
      : "Volume is already exclusively attached to one node and can't be attached to another";
  const message = `Multi-Attach error for volume ${JSON.stringify(volume.metadata.name)} ${why}`;
  return (wanted.get(node) ?? []).map((pod) => ({ do: "event", note: warning(regarding(PodKind, pod), "FailedAttachVolume", message) }));
}
