import { NodeKind } from "../../kinds/core/node.ts";
import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type {
  CSIPersistentVolumeSource,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  VolumeAttachment,
} from "../../kinds/generated/types.ts";
import { VolumeAttachmentKind } from "../../kinds/storage/volume-attachment.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, Entry, View } from "../../store/view.ts";
import { anyKind, create, modifyStatus, newMeta, normal, regarding, remove, warning } from "../actions.ts";
import { conditionOf } from "../conditions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import {
  ATTACHMENTS,
  attachableSource,
  attachmentName,
  attachmentsByNode,
  attachmentsByVolume,
  isInUse,
  isShared,
  isToldAttached,
  tellingAttached,
  volumeOfAttachment,
} from "./attachments.ts";
import { CLAIMS, claimKeysOf, holdsVolumes, mayHaveClaims, podsByClaim } from "./pod-claim-index.ts";

const VOLUMES = "persistentvolumes";
/** Its kubelet leaves attaching to us. */
const MANAGED_HERE = "volumes.kubernetes.io/controller-managed-attach-detach";
const OUT_OF_SERVICE = "node.kubernetes.io/out-of-service";
/** So long a node that is not healthy may take to unmount before the volume is taken from it. Source: ReconcilerMaxWaitForUnmountDuration. */
const UNMOUNT_MAX_MS = 6 * 60_000;

/** What is remembered between rounds, by attachment. */
interface Memory {
  /** Since when a node has a volume that nobody there wants any more. */
  readonly unwantedSince: Map<string, number>;
  /** What its pods were told last, so that they are told once. */
  readonly told: Map<string, string>;
}

/**
 * Has volumes attached to the nodes whose pods want them, by VolumeAttachments that the driver of the volume answers, and detached when none does and the node
 * has unmounted them; nodes say which they have. Keys are those of volumes. Source: pkg/controller/volume/attachdetach.
 */
export function attachDetachController(): Controller {
  const memory: Memory = { unwantedSince: new Map(), told: new Map() };
  return {
    name: "persistentvolume-attach-detach",
    component: "attachdetach-controller",
    kind: anyKind(PersistentVolumeKind),
    indexes: [podsByClaim, attachmentsByVolume, attachmentsByNode],
    author: controllerAccount("attachdetach-controller"),
    watches: [
      { resource: VOLUMES, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) },
      { resource: CLAIMS, keys: ({ now }, view) => (now === undefined ? NO_KEYS : volumeOf(view.decode(now))) },
      { resource: "pods", keys: keysOfPod },
      { resource: ATTACHMENTS, keys: ({ now, before }, view) => volumeOfAttachment(view, now ?? (before as Entry)) },
      { resource: "nodes", keys: keysOfNode },
    ],
    reconcile: (view, key, now_ms) => reconcile(memory, view, key, now_ms),
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

function reconcile(memory: Memory, view: View, key: string, now_ms: number): readonly Action[] {
  const name = key.slice(VOLUMES.length + 1);
  const volume = view.get<PersistentVolume>(key);
  const attachments = view.byIndex(attachmentsByVolume.name, name).map((entry) => view.decode<VolumeAttachment>(entry));
  const source = attachableSource(view, volume);
  if (volume === undefined || source === undefined) return NOTHING;
  const wanted = podsByNode(view, volume);
  const ours = attachments.filter(({ metadata, spec }) => metadata.name === attachmentName(source, spec.nodeName));
  const actions: Action[] = [];
  for (const attachment of ours) {
    const pods = wanted.get(attachment.spec.nodeName);
    actions.push(
      ...(pods === undefined
        ? detach(memory, view, source, attachment, now_ms)
        : report(memory, view, { volume, source, attachment, pods })),
    );
  }
  for (const [node, pods] of wanted) {
    if (ours.some(({ spec }) => spec.nodeName === node)) continue;
    const elsewhere = ours.map(({ spec }) => spec.nodeName);
    const blocked = elsewhere.length > 0 && !isShared(volume);
    actions.push(...(blocked ? multiAttach(memory, volume, node, pods, elsewhere, wanted) : [attach(memory, volume, source, node)]));
  }
  return actions;
}

/** The pods that want the volume, by node. Nodes whose kubelets attach for themselves are left out. */
function podsByNode(view: View, { metadata, spec }: PersistentVolume): ReadonlyMap<string, readonly Pod[]> {
  const { namespace = "", name = "", uid } = spec?.claimRef ?? {};
  const key = `${CLAIMS}/${namespace}/${name}`;
  const claim = view.get<PersistentVolumeClaim>(key);
  if (claim === undefined || claim.metadata.uid !== uid || claim.spec.volumeName !== metadata.name) return new Map();
  const pods = view
    .byIndex(podsByClaim.name, key)
    .map((entry) => view.decode<Pod>(entry))
    .filter(holdsVolumes);
  const byNode = Map.groupBy(pods, (pod) => pod.spec.nodeName ?? "");
  for (const node of byNode.keys()) {
    if (view.get<Node>(`nodes/${node}`)?.metadata.annotations?.[MANAGED_HERE] === undefined) byNode.delete(node);
  }
  return byNode;
}

function attach(memory: Memory, volume: PersistentVolume, source: CSIPersistentVolumeSource, node: string): Action {
  const name = attachmentName(source, node);
  memory.told.delete(`${volume.metadata.name}/${node}`);
  memory.unwantedSince.delete(name);
  const spec = { attacher: source.driver, nodeName: node, source: { persistentVolumeName: volume.metadata.name } };
  return create(VolumeAttachmentKind, { metadata: newMeta({ name }), spec });
}

interface Attaching {
  readonly volume: PersistentVolume;
  readonly source: CSIPersistentVolumeSource;
  readonly attachment: VolumeAttachment;
  readonly pods: readonly Pod[];
}

/** What its driver says of an attachment becomes known to the node and to those who wait for it. */
function report(memory: Memory, view: View, { volume, source, attachment, pods }: Attaching): readonly Action[] {
  const { name } = attachment.metadata;
  memory.unwantedSince.delete(name);
  const node = view.get<Node>(`nodes/${attachment.spec.nodeName}`);
  if (node === undefined) return NOTHING;
  if (attachment.status?.attached !== true) {
    const why = attachment.status?.attachError?.message;
    if (why === undefined || memory.told.get(name) === why) return NOTHING;
    memory.told.set(name, why);
    const message = `AttachVolume.Attach failed for volume ${JSON.stringify(volume.metadata.name)} : ${why}`;
    return pods.map((pod) => ({ do: "event", note: warning(regarding(PodKind, pod), "FailedAttachVolume", message) }));
  }
  memory.told.delete(name);
  if (isToldAttached(node, source)) return NOTHING;
  const message = `AttachVolume.Attach succeeded for volume ${JSON.stringify(volume.metadata.name)} `;
  return [
    modifyStatus(NodeKind, node, (current) => (isToldAttached(current, source) ? undefined : tellingAttached(current, source, true))),
    ...pods.map((pod): Action => ({ do: "event", note: normal(regarding(PodKind, pod), "SuccessfulAttachVolume", message) })),
  ];
}

/** First the node says no more that it has the volume, then its driver is told to take it. Source: reconciler's reconcile. */
function detach(
  { unwantedSince, told }: Memory,
  view: View,
  source: CSIPersistentVolumeSource,
  attachment: VolumeAttachment,
  now_ms: number,
): readonly Action[] {
  const { name, deletionTimestamp } = attachment.metadata;
  told.delete(name);
  if (deletionTimestamp !== undefined) return NOTHING;
  const node = view.get<Node>(`nodes/${attachment.spec.nodeName}`);
  if (node !== undefined && isInUse(node, source)) {
    const since_ms = unwantedSince.get(name) ?? now_ms;
    unwantedSince.set(name, since_ms);
    const isHealthy = conditionOf(node.status?.conditions, "Ready")?.status === "True";
    const isOut = node.spec.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true;
    const left_ms = since_ms + UNMOUNT_MAX_MS - now_ms;
    if (!isOut && left_ms > 0) return [{ do: "requeue", after_ms: left_ms }];
    if (!isOut && isHealthy) return NOTHING;
  }
  unwantedSince.delete(name);
  const deletion = remove(VolumeAttachmentKind, attachment);
  if (node === undefined || !isToldAttached(node, source)) return [deletion];
  const untold = modifyStatus(NodeKind, node, (current) =>
    isToldAttached(current, source) ? tellingAttached(current, source, false) : undefined,
  );
  return [{ do: "inOrder", steps: [untold, deletion] }];
}

/** Source: reportMultiAttachError. */
function multiAttach(
  { told }: Memory,
  volume: PersistentVolume,
  node: string,
  pods: readonly Pod[],
  elsewhere: readonly string[],
  wanted: ReadonlyMap<string, readonly Pod[]>,
): readonly Action[] {
  const others = elsewhere.flatMap((other) => wanted.get(other) ?? []).map(({ metadata }) => metadata.name);
  const why =
    others.length > 0
      ? `Volume is already used by pod(s) ${others.sort().join(", ")}`
      : "Volume is already exclusively attached to one node and can't be attached to another";
  const message = `Multi-Attach error for volume ${JSON.stringify(volume.metadata.name)} ${why}`;
  const key = `${volume.metadata.name}/${node}`;
  if (told.get(key) === message) return NOTHING;
  told.set(key, message);
  return pods.map((pod) => ({ do: "event", note: warning(regarding(PodKind, pod), "FailedAttachVolume", message) }));
}
