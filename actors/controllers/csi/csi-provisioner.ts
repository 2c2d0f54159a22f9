import type { PersistentVolume, PersistentVolumeSpec, SecretReference } from "../../kinds/generated/types.ts";
import { formatQuantity, parseQuantity, quantityValue } from "../../kinds/machinery/quantity.ts";
import { CONTROLLER_CAPABILITY } from "../../node/csi/numbers.ts";
import { capabilityOf } from "../../node/csi/volume-capability.ts";
import { GrpcFailure } from "../../node/grpc/failure.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { type Action, type Controller, NOTHING } from "../controller.ts";
import { ATTACHMENTS, attachmentsByVolume, volumeOfAttachment } from "../volumes/attachments.ts";
import { CLAIMS } from "../volumes/pod-claim-index.ts";
import {
  chooseAgain,
  commonSpec,
  keyNow,
  type Provisioning,
  provisioned,
  provisioningBegun,
  provisioningFailed,
  provisioningOf,
  reclaimFailed,
  reclaimingOf,
  VOLUMES,
} from "../volumes/provisioning.ts";
import { type ClassParameters, classParameters } from "./class-parameters.ts";
import { type ControllerPlugin, Delays, type HearOfPlugins, heardOf, secretData } from "./controller-plugin.ts";
import { nodesOf, topologyWanted } from "./topology.ts";

const DELETION_SECRET_NAME = "volume.kubernetes.io/provisioner-deletion-secret-name";
const DELETION_SECRET_NAMESPACE = "volume.kubernetes.io/provisioner-deletion-secret-namespace";

/**
 * Has drivers make volumes for claims that wait for one of theirs, and remove them when they are to go: what external-provisioner does beside a driver in Kubernetes. A volume is made
 * under the name of its claim's UID, so making it again makes no second one. Source: external-provisioner 5.
 */
export function csiProvisioner(hearOf: HearOfPlugins | undefined): Controller {
  const { plugins, more } = heardOf(hearOf, [
    { resource: CLAIMS, keys: keyNow },
    { resource: VOLUMES, keys: keyNow },
    {
      resource: ATTACHMENTS,
      keys: ({ now, before }, view) => (now === undefined && before !== undefined ? volumeOfAttachment(view, before) : []),
    },
  ]);
  const delays = new Delays();
  return {
    name: "csi-provisioner",
    component: "csi-provisioner",
    author: controllerAccount("csi-provisioner"),
    indexes: [attachmentsByVolume],
    watches: [],
    ...more,
    reconcile(view, key, now_ms) {
      const wait = delays.wait(key, now_ms);
      if (wait !== undefined) return [wait];
      for (const plugin of plugins.values()) {
        if (!plugin.capabilities.has(CONTROLLER_CAPABILITY.createDelete)) continue;
        const actions = key.startsWith(`${VOLUMES}/`)
          ? reclaim(view, key, plugin, delays, now_ms)
          : provision(view, key, plugin, delays, now_ms);
        if (actions.length > 0) return actions;
      }
      return NOTHING;
    },
  };
}

function provision(view: View, key: string, plugin: ControllerPlugin, delays: Delays, now_ms: number): readonly Action[] {
  const wanted = provisioningOf(view, key, plugin.driver);
  if (wanted === undefined) return NOTHING;
  if ("nodeIsGone" in wanted) return wanted.nodeIsGone;
  const work = async (): Promise<readonly Action[]> => {
    try {
      const actions = await made(view, wanted, plugin);
      delays.done(key);
      return actions;
    } catch (error) {
      const failed = provisioningFailed(wanted, (error as Error).message);
      // Another node may have room.
      const isFull = error instanceof GrpcFailure && error.code === "ResourceExhausted" && wanted.node !== undefined;
      return isFull ? [failed, ...chooseAgain(wanted)] : [failed, delays.failed(key, now_ms)];
    }
  };
  return [provisioningBegun(wanted), { do: "work", work }];
}

/** Throws what the driver says, or why it is not asked. */
async function made(view: View, wanted: Provisioning, plugin: ControllerPlugin): Promise<readonly Action[]> {
  const { claim, storageClass, node, name } = wanted;
  const { spec } = claim;
  if (spec.selector !== undefined) throw new Error("claim Selector is not supported");
  if (spec.dataSource !== undefined || spec.dataSourceRef !== undefined) throw new Error("volumes begin empty, and none has a dataSource");
  const parameters = classParameters(storageClass.parameters ?? {}, name, claim);
  const isBlock = spec.volumeMode === "Block";
  const knowsMultiWriter = plugin.capabilities.has(CONTROLLER_CAPABILITY.singleNodeMultiWriter);
  const common = { isBlock, fsType: parameters.fsType, mountOptions: isBlock ? [] : (storageClass.mountOptions ?? []) };
  const { volume } = await plugin.socket.controller("CreateVolume", {
    name,
    capacityRange: { requiredBytes: bytesOf(spec.resources?.requests?.storage), limitBytes: bytesOf(spec.resources?.limits?.storage) },
    volumeCapabilities: (spec.accessModes ?? []).map((mode) => capabilityOf({ ...common, mode }, knowsMultiWriter)),
    parameters: parameters.rest,
    secrets: secretData(view, parameters.secrets.provisioner),
    accessibilityRequirements: plugin.hasTopology ? topologyWanted(view, plugin.driver, storageClass, node) : undefined,
  });
  if (volume === null) throw new Error("the driver has made no volume");
  const annotations = deletionSecret(parameters.secrets.provisioner);
  return [provisioned(wanted, plugin.driver, specOf(wanted, plugin.driver, parameters, volume), annotations)];
}

interface Made {
  readonly volumeId: string;
  readonly capacityBytes: number;
  readonly volumeContext: Readonly<Record<string, string>>;
  readonly accessibleTopology: readonly { readonly segments: Readonly<Record<string, string>> }[];
}

function specOf(wanted: Provisioning, driver: string, { fsType, secrets }: ClassParameters, volume: Made): PersistentVolumeSpec {
  const common = commonSpec(wanted);
  const nodeAffinity = nodesOf(volume.accessibleTopology);
  const reference = (field: string, secret: SecretReference | undefined): object => (secret === undefined ? {} : { [field]: secret });
  const isReadOnly = (common.accessModes ?? []).every((mode) => mode === "ReadOnlyMany");
  return {
    ...common,
    ...(volume.capacityBytes === 0 ? {} : { capacity: { storage: quantityOf(volume.capacityBytes) } }),
    csi: {
      driver,
      volumeHandle: volume.volumeId,
      ...(fsType === "" || common.volumeMode === "Block" ? {} : { fsType }),
      ...(Object.keys(volume.volumeContext).length === 0 ? {} : { volumeAttributes: { ...volume.volumeContext } }),
      ...(isReadOnly ? { readOnly: true } : {}),
      ...reference("controllerPublishSecretRef", secrets.controllerPublish),
      ...reference("nodeStageSecretRef", secrets.nodeStage),
      ...reference("nodePublishSecretRef", secrets.nodePublish),
      ...reference("controllerExpandSecretRef", secrets.controllerExpand),
      ...reference("nodeExpandSecretRef", secrets.nodeExpand),
    },
    ...(nodeAffinity === undefined ? {} : { nodeAffinity }),
  };
}

function deletionSecret(secret: SecretReference | undefined): Readonly<Record<string, string>> {
  if (secret === undefined) return {};
  return { [DELETION_SECRET_NAME]: secret.name ?? "", [DELETION_SECRET_NAMESPACE]: secret.namespace ?? "" };
}

function reclaim(view: View, key: string, { driver, socket }: ControllerPlugin, delays: Delays, now_ms: number): readonly Action[] {
  const wanted = reclaimingOf(view, key, driver);
  if (wanted === undefined) return NOTHING;
  if ("keeps" in wanted) return wanted.keeps;
  const { metadata, spec = {} } = wanted.volume;
  const attached = view.byIndex(attachmentsByVolume.name, metadata.name);
  // It is looked at again when it is attached no more.
  if (attached.length > 0) return NOTHING;
  const again = (why: string): readonly Action[] => [reclaimFailed(wanted, why), delays.failed(key, now_ms)];
  if (spec.csi?.driver !== driver) return again(`the volume is none of the driver ${driver}, though it says that it was made by it`);
  const { volumeHandle } = spec.csi;
  const work = async (): Promise<readonly Action[]> => {
    try {
      await socket.controller("DeleteVolume", { volumeId: volumeHandle, secrets: secretData(view, secretForDeletion(wanted.volume)) });
      delays.done(key);
      return [wanted.done];
    } catch (error) {
      return again((error as Error).message);
    }
  };
  return [{ do: "work", work }];
}

function secretForDeletion({ metadata: { annotations = {} } }: PersistentVolume): SecretReference | undefined {
  const [name, namespace] = [annotations[DELETION_SECRET_NAME], annotations[DELETION_SECRET_NAMESPACE]];
  return name === undefined || namespace === undefined ? undefined : { name, namespace };
}

function bytesOf(quantity: string | undefined): number {
  return quantity === undefined ? 0 : quantityValue(parseQuantity(quantity));
}

/** As Go prints a quantity of bytes. */
export function quantityOf(bytes: number): string {
  return formatQuantity({ ...parseQuantity(String(bytes)), format: "BinarySI" });
}
