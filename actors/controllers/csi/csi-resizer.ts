import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../kinds/generated/types.ts";
import { parseQuantity, quantityValue } from "../../kinds/machinery/quantity.ts";
import { isFinal, isInfeasible } from "../../node/csi/failures.ts";
import { CONTROLLER_CAPABILITY } from "../../node/csi/numbers.ts";
import { capabilityOf, usageOf } from "../../node/csi/volume-capability.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { modify, modifyStatus, normal, regarding, warning } from "../actions.ts";
import { type Action, type Controller, NOTHING } from "../controller.ts";
import { isMore, resized, resizeFailed, resizeStage, resizing, waitingForNode } from "../volumes/claim-resize.ts";
import { CLAIMS } from "../volumes/pod-claim-index.ts";
import { keyNow, VOLUMES } from "../volumes/provisioning.ts";
import { type ControllerPlugin, Delays, type HearOfPlugins, heardOf, secretData } from "./controller-plugin.ts";
import { quantityOf } from "./csi-provisioner.ts";

/**
 * Has drivers give volumes more room when their claims ask for it, and leaves to the nodes what is for them to finish: what external-resizer does beside a driver in Kubernetes.
 * Source: external-resizer 1.
 */
export function csiResizer(hearOf: HearOfPlugins | undefined): Controller {
  const { plugins, more } = heardOf(hearOf, [{ resource: CLAIMS, keys: keyNow }]);
  const delays = new Delays();
  return {
    name: "csi-resizer",
    component: "csi-resizer",
    author: controllerAccount("csi-resizer"),
    watches: [],
    ...more,
    reconcile: (view, key, now_ms) => reconcile(view, key, plugins, delays, now_ms),
  };
}

interface Resize {
  readonly claim: PersistentVolumeClaim;
  readonly volume: PersistentVolume;
  readonly plugin: ControllerPlugin;
  readonly wanted: string;
}

/** Undefined: it has what it asks for, or that is in other hands. */
function resizeOf(view: View, key: string, plugins: ReadonlyMap<string, ControllerPlugin>): Resize | undefined {
  const claim = view.get<PersistentVolumeClaim>(key);
  const volume = view.get<PersistentVolume>(`${VOLUMES}/${claim?.spec.volumeName}`);
  const plugin = plugins.get(volume?.spec?.csi?.driver ?? "");
  const wanted = claim?.spec.resources?.requests?.storage;
  const has = claim?.status?.capacity?.storage;
  if (claim?.status?.phase !== "Bound" || volume === undefined || plugin === undefined || wanted === undefined || has === undefined)
    return undefined;
  if (volume.spec?.claimRef?.uid !== claim.metadata.uid || !isMore(wanted, has)) return undefined;
  // What cannot be, or is for a node to finish, waits until the claim asks for something else.
  if (isAskedFor(claim, wanted) && resizeStage(claim) !== "ControllerResizeInProgress") return undefined;
  const canGrow = plugin.capabilities.has(CONTROLLER_CAPABILITY.expand) || plugin.growsOnNodes;
  return canGrow ? { claim, volume, plugin, wanted } : undefined;
}

/** Its status says already that it is to have so much. */
function isAskedFor(claim: PersistentVolumeClaim, wanted: string): boolean {
  const asked = claim.status?.allocatedResources?.storage;
  return resizeStage(claim) !== undefined && asked !== undefined && !isMore(wanted, asked) && !isMore(asked, wanted);
}

/** First it is written down that it is to grow, and how far; then its driver is asked. */
function reconcile(
  view: View,
  key: string,
  plugins: ReadonlyMap<string, ControllerPlugin>,
  delays: Delays,
  now_ms: number,
): readonly Action[] {
  const resize = resizeOf(view, key, plugins);
  if (resize === undefined) return NOTHING;
  const { claim, volume, plugin, wanted } = resize;
  const about = regarding(PersistentVolumeClaimKind, claim);
  const { name } = volume.metadata;
  if (!isAskedFor(claim, wanted)) {
    delays.done(key);
    return [
      { do: "event", note: normal(about, "Resizing", `External resizer is resizing volume ${name}`) },
      modifyStatus(PersistentVolumeClaimKind, claim, (current) => resizing(current, wanted, now_ms)),
    ];
  }
  const wait = delays.wait(key, now_ms);
  if (wait !== undefined) return [wait];
  const work = async (): Promise<readonly Action[]> => {
    try {
      const { size, isForNode } = await grown(view, resize);
      delays.done(key);
      const note = isForNode
        ? normal(about, "FileSystemResizeRequired", "Require file system resize of volume on node")
        : normal(about, "VolumeResizeSuccessful", "Resize volume succeeded");
      return [{ do: "inOrder", steps: [...largerVolume(volume, size), told(claim, size, isForNode, now_ms), { do: "event", note }] }];
    } catch (error) {
      const why = (error as Error).message;
      const message = `resize volume ${JSON.stringify(name)} by resizer ${JSON.stringify(plugin.driver)} failed: ${why}`;
      const state = (current: PersistentVolumeClaim): PersistentVolumeClaim =>
        resizeFailed(current, "Controller", isInfeasible(error), why, now_ms);
      return [
        { do: "event", note: warning(about, "VolumeResizeFailed", message) },
        ...(isFinal(error) ? [modifyStatus(PersistentVolumeClaimKind, claim, state)] : []),
        ...(isInfeasible(error) ? [] : [delays.failed(key, now_ms)]),
      ];
    }
  };
  return [{ do: "work", work }];
}

/** Throws what the driver says. A driver whose controller has nothing to do with it leaves all to the nodes. */
async function grown(view: View, { volume, plugin, wanted }: Resize): Promise<{ readonly size: string; readonly isForNode: boolean }> {
  const { spec = {} } = volume;
  const { csi } = spec;
  const has = spec.capacity?.storage ?? "0";
  if (!isMore(wanted, has) || csi === undefined) return { size: has, isForNode: plugin.growsOnNodes };
  if (!plugin.capabilities.has(CONTROLLER_CAPABILITY.expand)) return { size: wanted, isForNode: true };
  const { capacityBytes, nodeExpansionRequired } = await plugin.socket.controller("ControllerExpandVolume", {
    volumeId: csi.volumeHandle,
    capacityRange: { requiredBytes: quantityValue(parseQuantity(wanted)) },
    secrets: secretData(view, csi.controllerExpandSecretRef),
    volumeCapability: capabilityOf(usageOf(spec), plugin.capabilities.has(CONTROLLER_CAPABILITY.singleNodeMultiWriter)),
  });
  return { size: capacityBytes === 0 ? wanted : quantityOf(capacityBytes), isForNode: nodeExpansionRequired };
}

function largerVolume(volume: PersistentVolume, size: string): readonly Action[] {
  if (!isMore(size, volume.spec?.capacity?.storage ?? "0")) return [];
  return [
    modify(PersistentVolumeKind, volume, (current) => ({
      ...current,
      spec: { ...current.spec, capacity: { ...current.spec?.capacity, storage: size } },
    })),
  ];
}

function told(claim: PersistentVolumeClaim, size: string, isForNode: boolean, now_ms: number): Action {
  return modifyStatus(PersistentVolumeClaimKind, claim, (current) =>
    isForNode ? waitingForNode(current, now_ms) : resized(current, size),
  );
}
