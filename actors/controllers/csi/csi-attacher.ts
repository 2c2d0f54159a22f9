import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import type { CSINode, CSIPersistentVolumeSource, PersistentVolume, VolumeAttachment } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import { CSINodeKind } from "../../kinds/storage/csi-node.ts";
import { VolumeAttachmentKind } from "../../kinds/storage/volume-attachment.ts";
import { CONTROLLER_CAPABILITY } from "../../node/csi/numbers.ts";
import { capabilityOf, usageOf } from "../../node/csi/volume-capability.ts";
import { controllerAccount } from "../../registry/authors.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { View } from "../../store/view.ts";
import { modify, modifyStatus } from "../actions.ts";
import { type Action, type Controller, NOTHING } from "../controller.ts";
import { ATTACHMENTS, attachmentsByVolume, volumeOfAttachment } from "../volumes/attachments.ts";
import { keyNow, VOLUMES } from "../volumes/provisioning.ts";
import { type ControllerPlugin, Delays, type HearOfPlugins, heardOf, secretData } from "./controller-plugin.ts";

/**
 * Has drivers attach volumes to nodes where a VolumeAttachment asks for it, and detach them before it goes: what external-attacher does beside a driver in Kubernetes. A driver that
 * attaches nothing has attached it at once. Source: external-attacher 4.
 */
export function csiAttacher(hearOf: HearOfPlugins | undefined): Controller {
  const { plugins, more } = heardOf(hearOf, [
    {
      resource: ATTACHMENTS,
      keys: ({ now, before }, view) => (now !== undefined ? [now.key] : before === undefined ? [] : volumeOfAttachment(view, before)),
    },
    { resource: VOLUMES, keys: keyNow },
  ]);
  const delays = new Delays();
  return {
    name: "csi-attacher",
    component: "csi-attacher",
    author: controllerAccount("csi-attacher"),
    indexes: [attachmentsByVolume],
    watches: [],
    ...more,
    reconcile(view, key, now_ms) {
      if (key.startsWith(`${VOLUMES}/`)) return letGo(view, key, plugins);
      const attachment = view.get<VolumeAttachment>(key);
      const plugin = attachment === undefined ? undefined : plugins.get(attachment.spec.attacher);
      if (attachment === undefined || plugin === undefined) return NOTHING;
      const wait = delays.wait(attachment.metadata.name, now_ms);
      if (wait !== undefined) return [wait];
      const turn = { view, attachment, plugin, delays, now_ms };
      return attachment.metadata.deletionTimestamp === undefined ? attach(turn) : detach(turn);
    },
  };
}

interface Turn {
  readonly view: View;
  readonly attachment: VolumeAttachment;
  readonly plugin: ControllerPlugin;
  readonly delays: Delays;
  readonly now_ms: number;
}

function attach({ view, attachment, plugin, delays, now_ms }: Turn): readonly Action[] {
  if (attachment.status?.attached === true) return NOTHING;
  if (!plugin.capabilities.has(CONTROLLER_CAPABILITY.publish)) return [attachedNow(attachment, {})];
  const volume = view.get<PersistentVolume>(`${VOLUMES}/${attachment.spec.source.persistentVolumeName}`);
  const finalizer = finalizerOf(plugin.driver);
  const failed = (why: string): readonly Action[] => [
    told(attachment, { attached: false, attachError: { message: why, time: timestamp(now_ms) } }),
    delays.failed(attachment.metadata.name, now_ms),
  ];
  if (volume?.spec?.csi === undefined)
    return failed(`PersistentVolume "${attachment.spec.source.persistentVolumeName}" is not found or none of a driver`);
  if (volume.metadata.deletionTimestamp !== undefined && volume.metadata.finalizers?.includes(finalizer) !== true)
    return failed(`PersistentVolume ${JSON.stringify(volume.metadata.name)} is marked for deletion`);
  const node = nodeIdOf(view, attachment, plugin.driver);
  if (node === undefined) return failed(`CSINode ${attachment.spec.nodeName} does not contain driver ${plugin.driver}`);
  // What is begun is undone by whoever comes: so it is written down before.
  const marks = [...markedVolume(volume, finalizer), ...markedAttachment(attachment, finalizer, node)];
  if (marks.length > 0) return [{ do: "inOrder", steps: marks }];
  const work = async (): Promise<readonly Action[]> => {
    try {
      const request = publishRequest(view, volume, volume.spec?.csi as CSIPersistentVolumeSource, node, plugin);
      const { publishContext } = await plugin.socket.controller("ControllerPublishVolume", request);
      delays.done(attachment.metadata.name);
      return [attachedNow(attachment, publishContext)];
    } catch (error) {
      return failed((error as Error).message);
    }
  };
  return [{ do: "work", work }];
}

type PublishRequest = Parameters<ControllerPlugin["socket"]["controller"]>[1];

function publishRequest(
  view: View,
  { spec = {} }: PersistentVolume,
  csi: CSIPersistentVolumeSource,
  node: string,
  { capabilities }: ControllerPlugin,
): PublishRequest {
  const knowsMultiWriter = capabilities.has(CONTROLLER_CAPABILITY.singleNodeMultiWriter);
  return {
    volumeId: csi.volumeHandle,
    nodeId: node,
    volumeCapability: capabilityOf(usageOf(spec), knowsMultiWriter),
    readonly: csi.readOnly === true && capabilities.has(CONTROLLER_CAPABILITY.publishReadonly),
    secrets: secretData(view, csi.controllerPublishSecretRef),
    volumeContext: csi.volumeAttributes ?? {},
  };
}

function detach({ view, attachment, plugin, delays, now_ms }: Turn): readonly Action[] {
  const finalizer = finalizerOf(plugin.driver);
  if (attachment.metadata.finalizers?.includes(finalizer) !== true) return NOTHING;
  const free = modify(VolumeAttachmentKind, attachment, (current) => freed(current, finalizer));
  const volume = view.get<PersistentVolume>(`${VOLUMES}/${attachment.spec.source.persistentVolumeName}`);
  const { csi } = volume?.spec ?? {};
  const node = nodeIdOf(view, attachment, plugin.driver) ?? attachment.metadata.annotations?.[NODE_ID];
  if (csi === undefined || node === undefined) return [free];
  const work = async (): Promise<readonly Action[]> => {
    try {
      const secrets = secretData(view, csi.controllerPublishSecretRef);
      await plugin.socket.controller("ControllerUnpublishVolume", { volumeId: csi.volumeHandle, nodeId: node, secrets });
      delays.done(attachment.metadata.name);
      return [free];
    } catch (error) {
      const detachError = { message: (error as Error).message, time: timestamp(now_ms) };
      return [
        told(attachment, { attached: attachment.status?.attached ?? false, detachError }),
        delays.failed(attachment.metadata.name, now_ms),
      ];
    }
  };
  return [{ do: "work", work }];
}

/** A volume that is to go may, when it is attached nowhere. */
function letGo(view: View, key: string, plugins: ReadonlyMap<string, ControllerPlugin>): readonly Action[] {
  const volume = view.get<PersistentVolume>(key);
  const driver = volume?.spec?.csi?.driver ?? "";
  if (volume?.metadata.deletionTimestamp === undefined || !plugins.has(driver)) return NOTHING;
  const finalizer = finalizerOf(driver);
  if (volume.metadata.finalizers?.includes(finalizer) !== true) return NOTHING;
  if (view.byIndex(attachmentsByVolume.name, volume.metadata.name).length > 0) return NOTHING;
  return [modify(PersistentVolumeKind, volume, (current) => freed(current, finalizer))];
}

/** The node may be gone when its volumes are to be detached, so its ID is kept. Source: external-attacher's vaNodeIDAnnotation. */
const NODE_ID = "csi.alpha.kubernetes.io/node-id";

function nodeIdOf(view: View, { spec: { nodeName } }: VolumeAttachment, driver: string): string | undefined {
  const { drivers = [] } = view.get<CSINode>(keyFor(CSINodeKind, undefined, nodeName))?.spec ?? {};
  return drivers?.find(({ name }) => name === driver)?.nodeID;
}

/** Source: GetFinalizerName. */
function finalizerOf(driver: string): string {
  const name = driver.replace(/[^a-zA-Z0-9-]/g, "-");
  return `external-attacher/${name}${name.endsWith("-") ? "X" : ""}`;
}

function attachedNow(attachment: VolumeAttachment, metadata: Readonly<Record<string, string>>): Action {
  return told(attachment, { attached: true, ...(Object.keys(metadata).length === 0 ? {} : { attachmentMetadata: { ...metadata } }) });
}

function told(attachment: VolumeAttachment, status: NonNullable<VolumeAttachment["status"]>): Action {
  return modifyStatus(VolumeAttachmentKind, attachment, (current) => ({ ...current, status }));
}

function markedVolume(volume: PersistentVolume, finalizer: string): readonly Action[] {
  if (volume.metadata.finalizers?.includes(finalizer) === true) return [];
  return [modify(PersistentVolumeKind, volume, (current) => held(current, finalizer))];
}

function markedAttachment(attachment: VolumeAttachment, finalizer: string, node: string): readonly Action[] {
  const { finalizers = [], annotations = {} } = attachment.metadata;
  if (finalizers.includes(finalizer) && annotations[NODE_ID] === node) return [];
  const marked = (current: VolumeAttachment): VolumeAttachment => {
    const { metadata, ...rest } = held(current, finalizer);
    return { ...rest, metadata: { ...metadata, annotations: { ...metadata.annotations, [NODE_ID]: node } } };
  };
  return [modify(VolumeAttachmentKind, attachment, marked)];
}

function held<T extends KubeObject>(object: T, finalizer: string): T {
  const { finalizers = [] } = object.metadata;
  return finalizers.includes(finalizer) ? object : { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } };
}

function freed<T extends KubeObject>(object: T, finalizer: string): T {
  const finalizers = object.metadata.finalizers?.filter((one) => one !== finalizer) ?? [];
  return { ...object, metadata: { ...object.metadata, finalizers } };
}
