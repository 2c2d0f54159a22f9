import { createHash } from "node:crypto";
import type { CSIDriver, CSIPersistentVolumeSource, Node, PersistentVolume, VolumeAttachment } from "../../kinds/generated/types.ts";
import { keyFor, resourceOf } from "../../kinds/kind.ts";
import { CSIDriverKind } from "../../kinds/storage/csi-driver.ts";
import { VolumeAttachmentKind } from "../../kinds/storage/volume-attachment.ts";
import type { Entry, IndexDefinition, View } from "../../store/view.ts";

export const ATTACHMENTS: string = resourceOf(VolumeAttachmentKind);

/** Attachments by the volume, and by the node. */
export const attachmentsByVolume: IndexDefinition = {
  name: "attachments-by-volume",
  resource: ATTACHMENTS,
  values: (object) => {
    const { persistentVolumeName } = (object as VolumeAttachment).spec.source;
    return persistentVolumeName === undefined ? [] : [persistentVolumeName];
  },
};

export const attachmentsByNode: IndexDefinition = {
  name: "attachments-by-node",
  resource: ATTACHMENTS,
  values: (object) => [(object as VolumeAttachment).spec.nodeName],
};

/** What of a volume's source its attachments go by. */
export type AttachedSource = Pick<CSIPersistentVolumeSource, "driver" | "volumeHandle">;

/** The source of a volume that has to be attached to a node before pods there can have it; undefined for all others. Source: CSIAttacher's CanAttach. */
export function attachableSource(view: Pick<View, "get">, volume: PersistentVolume | undefined): CSIPersistentVolumeSource | undefined {
  const csi = volume?.spec?.csi;
  if (csi === undefined) return undefined;
  const driver = view.get<CSIDriver>(keyFor(CSIDriverKind, undefined, csi.driver));
  return driver?.spec.attachRequired === false ? undefined : csi;
}

/** The name of the attachment of this volume to this node. Source: getAttachmentName. */
export function attachmentName({ driver, volumeHandle }: AttachedSource, node: string): string {
  return `csi-${createHash("sha256").update(`${volumeHandle}${driver}${node}`).digest("hex")}`;
}

const CSI = "kubernetes.io/csi/";

/** What nodes call the volume in their status. */
export function uniqueName({ driver, volumeHandle }: AttachedSource): string {
  return `${CSI}${driver}^${volumeHandle}`;
}

/** The source of the attachment of this name, as its node tells it. */
export function toldSource({ metadata, status }: Node, attachment: string): AttachedSource | undefined {
  const names = [...(status?.volumesAttached ?? []).map(({ name }) => name), ...(status?.volumesInUse ?? [])];
  for (const name of names) {
    if (!name.startsWith(CSI)) continue;
    const [driver = "", volumeHandle = ""] = name.slice(CSI.length).split("^");
    if (attachmentName({ driver, volumeHandle }, metadata.name) === attachment) return { driver, volumeHandle };
  }
  return undefined;
}

/** More than one node may have it at a time. Source: IsMultiAttachAllowed. */
export function isShared({ spec }: PersistentVolume): boolean {
  const modes = spec?.accessModes ?? [];
  return modes.length === 0 || modes.some((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany");
}

export function isInUse(node: Node | undefined, source: AttachedSource): boolean {
  return node?.status?.volumesInUse?.includes(uniqueName(source)) === true;
}

export function isToldAttached(node: Node, source: AttachedSource): boolean {
  const name = uniqueName(source);
  return node.status?.volumesAttached?.some((one) => one.name === name) === true;
}

/** The node that says of the volume that it is attached, or says it no more. */
export function tellingAttached(node: Node, source: AttachedSource, attached: boolean): Node {
  const name = uniqueName(source);
  const { volumesAttached = [], ...status } = node.status ?? {};
  const others = volumesAttached.filter((one) => one.name !== name);
  const next = attached ? [...others, { name, devicePath: "" }] : others;
  return { ...node, status: next.length === 0 ? status : { ...status, volumesAttached: next } };
}

/** The key of the volume that is attached by it. */
export function volumeOfAttachment(view: View, entry: Entry): readonly string[] {
  const { persistentVolumeName } = view.decode<VolumeAttachment>(entry).spec.source;
  return persistentVolumeName === undefined ? [] : [`persistentvolumes/${persistentVolumeName}`];
}
