import type { VolumeUse } from "../../scheduler-core/mod.ts";
import type { PersistentVolume, VolumeAttachment } from "../kinds/generated/types.ts";
import { resourceOf } from "../kinds/kind.ts";
import { VolumeAttachmentKind } from "../kinds/storage/volume-attachment.ts";
import type { Entry } from "../store/view.ts";
import type { Objects } from "./objects.ts";

export const VOLUME_ATTACHMENTS: string = resourceOf(VolumeAttachmentKind);

/** Volumes that are attached to nodes, whoever uses them, by node. Source: NodeVolumeLimits' getNodeVolumeAttachmentInfo. */
export class Attachments {
  readonly #view: Objects;
  /** By node the keys of its VolumeAttachments. */
  readonly #nodes = new Map<string, Set<string>>();

  constructor(view: Objects) {
    this.#view = view;
  }

  /** The nodes to which something is attached. */
  get nodes(): Iterable<string> {
    return this.#nodes.keys();
  }

  /** One has come, changed or gone; answers its node. */
  take(now: Entry | undefined, before: Entry | undefined): string {
    const entry = now ?? before;
    if (entry === undefined) throw new Error("a change of nothing");
    const { nodeName } = this.#view.decode<VolumeAttachment>(entry).spec;
    const keys = this.#nodes.get(nodeName) ?? new Set();
    if (now === undefined) keys.delete(entry.key);
    else keys.add(entry.key);
    if (keys.size > 0) this.#nodes.set(nodeName, keys);
    else this.#nodes.delete(nodeName);
    return nodeName;
  }

  /** What is attached to a node, of volumes that drivers made. A volume is known by its claim, as pods know it. */
  on(node: string): VolumeUse[] {
    return [...(this.#nodes.get(node) ?? [])].flatMap((key) => {
      const attachment = this.#view.get<VolumeAttachment>(key);
      const name = attachment?.spec.source.persistentVolumeName;
      const volume = name === undefined ? undefined : this.#view.get<PersistentVolume>(`persistentvolumes/${name}`);
      if (attachment === undefined || volume?.spec?.csi === undefined) return [];
      const { claimRef } = volume.spec;
      const id = claimRef === undefined ? `without a claim: ${name}` : `${claimRef.namespace}/${claimRef.name}`;
      return [{ driver: attachment.spec.attacher, volume: id }];
    });
  }
}
