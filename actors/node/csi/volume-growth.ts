import type { Clock } from "../../../runtime/mod.ts";
import { resized, resizeFailed, resizingOnNode } from "../../controllers/volumes/claim-resize.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../kinds/generated/types.ts";
import { parseQuantity, quantityValue } from "../../kinds/machinery/quantity.ts";
import { NODE_OF_NAME } from "../../registry/authors.ts";
import type { EventRecorder } from "../../registry/event-recorder.ts";
import type { ObjectWrites } from "../../registry/registry.ts";
import type { ObjectView } from "../../store/view.ts";
import { type CsiMounter, capabilitiesOf } from "./csi-mounter.ts";
import { type CsiVolume, claimToGrow, secretsOf } from "./csi-volume.ts";
import { isFinal, isInfeasible } from "./failures.ts";
import { NODE_CAPABILITY } from "./numbers.ts";
import { capabilityOf, usageOf } from "./volume-capability.ts";

export interface GrowthWorld {
  readonly view: ObjectView;
  readonly registry: ObjectWrites;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

/** Has the driver make use of what room a volume was given while it is mounted, and says so. True: it is to be tried again. Source: expandOnPlugin, nodeExpandWithClient. */
export async function growOnNode(world: GrowthWorld, mounter: CsiMounter, pod: Pod, wanted: CsiVolume): Promise<boolean> {
  const growing = claimToGrow(world.view, wanted);
  if (growing === undefined) return false;
  const { volume, claim, size } = growing;
  const { nodeName: node = "" } = pod.spec;
  const title = JSON.stringify(volume.metadata.name);
  try {
    await change(world, claim, node, resizingOnNode);
    await expand(world, mounter, node, wanted, volume, size);
  } catch (error) {
    const message = `Expander.NodeExpand failed to expand the volume : ${(error as Error).message}`;
    if (isFinal(error))
      await change(world, claim, node, (now) => resizeFailed(now, "Node", isInfeasible(error), message, world.clock.now_ms()));
    tell(world, pod, "Warning", "VolumeResizeFailed", `MountVolume.NodeExpandVolume failed for volume ${title} : ${message}`);
    return !isInfeasible(error);
  }
  await change(world, claim, node, (now) => resized(now, size));
  const message = `MountVolume.NodeExpandVolume succeeded for volume ${title} ${node}`;
  tell(world, pod, "Normal", "FileSystemResizeSuccessful", message);
  world.recorder.event(
    { kind: "PersistentVolumeClaim", apiVersion: "v1", metadata: claim.metadata },
    "Normal",
    "FileSystemResizeSuccessful",
    message,
  );
  return false;
}

/** A driver that has nothing to do on nodes has done it. */
async function expand(
  { view }: GrowthWorld,
  mounter: CsiMounter,
  node: string,
  wanted: CsiVolume,
  volume: PersistentVolume,
  size: string,
): Promise<void> {
  const { socket, records } = await mounter.inUse(node, wanted);
  const capabilities = await capabilitiesOf(socket);
  if (!capabilities.has(NODE_CAPABILITY.expand)) return;
  const [first] = records;
  if (first === undefined) throw new Error(`the volume is not mounted on node ${node}`);
  await socket.node("NodeExpandVolume", {
    volumeId: wanted.handle,
    volumePath: first.record.targetPath,
    capacityRange: { requiredBytes: quantityValue(parseQuantity(size)) },
    stagingTargetPath: first.record.stagingPath,
    volumeCapability: capabilityOf(usageOf(volume.spec ?? {}), capabilities.has(NODE_CAPABILITY.singleNodeMultiWriter)),
    secrets: secretsOf(view, "NodeExpandSecretRef", volume.spec?.csi?.nodeExpandSecretRef),
  });
}

async function change(
  { registry }: GrowthWorld,
  { metadata: { namespace, name, uid } }: PersistentVolumeClaim,
  node: string,
  next: (claim: PersistentVolumeClaim) => PersistentVolumeClaim,
): Promise<void> {
  const by = { subresource: "status", fieldManager: "kubelet", author: () => NODE_OF_NAME({ metadata: { name: node } } as never) } as const;
  await registry.modify(PersistentVolumeClaimKind, namespace, name, (claim) => (claim.metadata.uid === uid ? next(claim) : undefined), by);
}

function tell({ recorder }: GrowthWorld, { metadata }: Pod, severity: "Normal" | "Warning", reason: string, message: string): void {
  recorder.event({ kind: "Pod", apiVersion: "v1", metadata }, severity, reason, message);
}
