import type { PersistentVolumeSpec } from "../../kinds/generated/types.ts";
import type { Sent } from "../grpc/messages.ts";
import type { CsiMessages } from "./messages.ts";
import { ACCESS_MODE } from "./numbers.ts";

export type VolumeCapability = Sent<CsiMessages, "VolumeCapability">;

/** How a volume is used. */
export interface Usage {
  readonly mode: string;
  readonly isBlock: boolean;
  readonly fsType: string;
  readonly mountOptions: readonly string[];
  /** The group that the driver is to give its files to; undefined: none, or that is done by the node. */
  readonly group?: number | undefined;
}

/** Source: csiDriverClient's NodeStageVolume, asCSIAccessModeV1 and asSingleNodeMultiWriterCapableCSIAccessModeV1. */
export function capabilityOf({ mode, isBlock, fsType, mountOptions, group }: Usage, knowsMultiWriter: boolean): VolumeCapability {
  return {
    ...(isBlock
      ? { block: {} }
      : { mount: { fsType, mountFlags: mountOptions, ...(group === undefined ? {} : { volumeMountGroup: String(group) }) } }),
    accessMode: { mode: accessModeOf(mode, knowsMultiWriter) },
  };
}

function accessModeOf(mode: string, knowsMultiWriter: boolean): number {
  switch (mode) {
    case "ReadOnlyMany":
      return ACCESS_MODE.MULTI_NODE_READER_ONLY;
    case "ReadWriteMany":
      return ACCESS_MODE.MULTI_NODE_MULTI_WRITER;
    case "ReadWriteOncePod":
      return knowsMultiWriter ? ACCESS_MODE.SINGLE_NODE_SINGLE_WRITER : ACCESS_MODE.SINGLE_NODE_WRITER;
    default:
      return knowsMultiWriter ? ACCESS_MODE.SINGLE_NODE_MULTI_WRITER : ACCESS_MODE.SINGLE_NODE_WRITER;
  }
}

/** Of a persistent volume; the first of its access modes, as kubelet has it. */
export function usageOf({ csi, accessModes = [], mountOptions = [], volumeMode }: PersistentVolumeSpec): Usage {
  const isBlock = volumeMode === "Block";
  return { mode: accessModes[0] ?? "ReadWriteOnce", isBlock, fsType: csi?.fsType ?? "", mountOptions: isBlock ? [] : mountOptions };
}
