import { mkdir, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "../../../runtime/mod.ts";
import { attachableSource, attachmentName, isToldAttached } from "../../controllers/volumes/attachments.ts";
import type { CSINode, Node, Pod, VolumeAttachment } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import { CSINodeKind } from "../../kinds/storage/csi-node.ts";
import { VolumeAttachmentKind } from "../../kinds/storage/volume-attachment.ts";
import type { ObjectView } from "../../store/view.ts";
import { GrpcFailure } from "../grpc/failure.ts";
import { VolumeFailure } from "../pod-volumes.ts";
import { removeMountPoint } from "../volumes/mount-points.ts";
import type { CsiDriverSocket } from "./csi-client.ts";
import { type CsiVolume, lifeRefusal, podAttributes, secretsOf, TOKENS_ATTRIBUTE } from "./csi-volume.ts";
import { DriverSockets } from "./driver-sockets.ts";
import { isFinal } from "./failures.ts";
import { isRecorded, type MountedRecord, type Recorded, recordDirectory, recordsOf, removeRecord, writeRecord } from "./mounted-record.ts";
import type { NodeDirectories } from "./node-directories.ts";
import { NODE_CAPABILITY } from "./numbers.ts";
import { capabilityOf } from "./volume-capability.ts";
import type { VolumesInUse } from "./volumes-in-use.ts";

export interface CsiMounterOptions {
  readonly view: ObjectView;
  readonly directories: NodeDirectories;
  readonly clock: Clock;
  readonly inUse: VolumesInUse;
  /** How long a driver may take; as long as kubelet gives it by default. */
  readonly timeout_ms?: number;
}

/** What is mounted for a pod at one place. */
export interface CsiMount {
  readonly target: string;
  /** The driver gives files to the pod's group itself. */
  readonly groupIsDrivers: boolean;
}

const STAGING_MODE = 0o750;

/**
 * Has drivers stage and publish volumes for the pods of this machine's nodes, and undo it, as kubelet does. What it has begun lies on the disk before it begins, so all of
 * it may be done again, by whoever comes next; the driver has to bear that, by CSI. Of one volume on one node one thing is done at a time, whichever thread does it.
 * Source: pkg/volume/csi's csi_mounter.go, csi_attacher.go, csi_block.go and expander.go.
 */
export class CsiMounter {
  readonly #options: CsiMounterOptions;
  readonly #sockets: DriverSockets;
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: CsiMounterOptions) {
    this.#options = options;
    this.#sockets = new DriverSockets(options.directories, options.clock, options.timeout_ms);
  }

  /** `again`: it is in use, and is published once more with what has changed meanwhile. Throws VolumeFailure. */
  mount(pod: Pod, volume: CsiVolume, tokens: Readonly<Record<string, string>>, again = false): Promise<CsiMount> {
    const { nodeName: node = "" } = pod.spec;
    return this.#alone(node, volume.driver, volume.handle, () => this.#mount(node, pod, volume, tokens, again));
  }

  async #mount(node: string, pod: Pod, volume: CsiVolume, tokens: Readonly<Record<string, string>>, again: boolean): Promise<CsiMount> {
    const { view, directories } = this.#options;
    const { title, handle, usage, persistent, readOnly } = volume;
    const [stageStep, publishStep] = usage.isBlock
      ? ["MapVolume.SetUpDevice", "MapVolume.MapPodDevice"]
      : ["MountVolume.MountDevice", "MountVolume.SetUp"];
    const publishContext = await this.#attached(node, volume);
    const driver = await this.#driver(node, volume.driver).catch((error: Error) => {
      throw failureOf(persistent === undefined ? publishStep : stageStep, title, `kubernetes.io/csi: ${error.message}`);
    });
    const refusal = lifeRefusal(view, volume);
    if (refusal !== undefined)
      throw failureOf(publishStep, title, `kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode: ${refusal}`);
    const capabilities = await capabilitiesOf(driver).catch((error: unknown) => {
      throw failureOf(persistent === undefined ? publishStep : stageStep, title, (error as Error).message);
    });
    const groupIsDrivers = capabilities.has(NODE_CAPABILITY.volumeMountGroup);
    const group = groupIsDrivers ? pod.spec.securityContext?.fsGroup : undefined;
    const capability = capabilityOf({ ...usage, group }, capabilities.has(NODE_CAPABILITY.singleNodeMultiWriter));
    const isStaged = persistent !== undefined && capabilities.has(NODE_CAPABILITY.stage);
    const stagingPath = isStaged ? directories.stagingOf(node, volume.driver, handle, usage.isBlock ? title : undefined) : "";
    const directory = recordDirectory(directories, node, pod.metadata.uid, title);
    const record = recordOf(node, volume, stagingPath, join(directory, usage.isBlock ? "device" : "mount"));
    const isNew = !(await isRecorded(directory));
    await writeRecord(directory, record);
    const stage = async (): Promise<void> => {
      if (!isStaged) return;
      const secrets = secretsOf(view, "NodeStageSecretRef", volume.stageSecret);
      await mkdir(stagingPath, { recursive: true, mode: STAGING_MODE });
      await driver.node("NodeStageVolume", {
        volumeId: handle,
        publishContext,
        stagingTargetPath: stagingPath,
        volumeCapability: capability,
        secrets,
        volumeContext: volume.attributes,
      });
    };
    const publish = async (): Promise<void> => {
      const secrets = secretsOf(view, "NodePublishSecretRef", volume.publishSecret);
      const tokenAttributes = Object.keys(tokens).length === 0 ? {} : { [TOKENS_ATTRIBUTE]: tokens[TOKENS_ATTRIBUTE] ?? "" };
      await driver.node("NodePublishVolume", {
        volumeId: handle,
        publishContext,
        stagingTargetPath: stagingPath,
        targetPath: record.targetPath,
        volumeCapability: capability,
        readonly: readOnly,
        secrets,
        volumeContext: { ...volume.attributes, ...podAttributes(view, pod, volume), ...tokenAttributes },
      });
    };
    const attempt = async (step: string, what: () => Promise<void>): Promise<void> => {
      try {
        await what();
      } catch (error) {
        // What may have been done, before this or in spite of it, is undone with the pod.
        const isNothing = isNew && isFinal(error) && (step === stageStep || !isStaged);
        if (isNothing) await this.#forget(node, { uid: pod.metadata.uid, directory, record });
        throw failureOf(step, title, (error as Error).message);
      }
    };
    if (!again) await attempt(stageStep, stage);
    await attempt(publishStep, publish);
    return { target: record.targetPath, groupIsDrivers };
  }

  /** What the pod has of drivers is let go of. Throws what keeps it from that; then it is called again. */
  async unmount(node: string, uid: string): Promise<void> {
    const { directories } = this.#options;
    for (const recorded of await recordsOf(directories, node, uid)) {
      const { driverName, volumeHandle } = recorded.record;
      await this.#alone(node, driverName, volumeHandle, () => this.#unmount(node, recorded));
    }
    // Nothing is in it any more, or else it is not removed.
    const pod = join(directories.podsOf(node), uid);
    for (const path of [join(pod, "volumes", "kubernetes.io~csi"), join(pod, "volumes"), pod]) await rmdir(path).catch(() => {});
  }

  async #unmount(node: string, recorded: Recorded): Promise<void> {
    const { record, directory } = recorded;
    const { driverName, volumeHandle, targetPath, stagingPath, volumeLifecycleMode } = record;
    const driver = await this.#driver(node, driverName);
    await undone("Unmounter.TearDownAt", () => driver.node("NodeUnpublishVolume", { volumeId: volumeHandle, targetPath }));
    await removeMountPoint(targetPath);
    if (!(await this.#isWanted(node, recorded))) {
      if (stagingPath !== "") {
        await undone("attacher.UnmountDevice", () =>
          driver.node("NodeUnstageVolume", { volumeId: volumeHandle, stagingTargetPath: stagingPath }),
        );
        await removeMountPoint(stagingPath);
        await rmdir(dirname(stagingPath)).catch(() => {});
      }
      if (volumeLifecycleMode === "Persistent") await this.#options.inUse.remove(node, { driver: driverName, volumeHandle });
    }
    await removeRecord(directory);
  }

  /** Nothing was done: what was laid out for it goes, as far as it is empty. */
  async #forget(node: string, recorded: Recorded): Promise<void> {
    const { directory, record } = recorded;
    await removeMountPoint(record.targetPath).catch(() => {});
    if (record.stagingPath !== "" && !(await this.#isWanted(node, recorded))) await removeMountPoint(record.stagingPath).catch(() => {});
    await removeRecord(directory);
  }

  /** Whether another pod of the node has the volume. */
  async #isWanted(node: string, { uid, record }: Recorded): Promise<boolean> {
    const all = await recordsOf(this.#options.directories, node);
    return all.some(
      (other) => other.uid !== uid && other.record.driverName === record.driverName && other.record.volumeHandle === record.volumeHandle,
    );
  }

  /** What its driver said when it was attached; nothing for one that needs not be. Throws VolumeFailure, silently while it is waited for. Source: WaitForAttach. */
  async #attached(node: string, { persistent, title }: CsiVolume): Promise<Readonly<Record<string, string>>> {
    const { view, inUse } = this.#options;
    const source = attachableSource(view, persistent);
    if (source === undefined) return {};
    // It is not taken from the node from now on without its saying so.
    await inUse.add(node, source);
    const name = attachmentName(source, node);
    const attachment = view.get<VolumeAttachment>(keyFor(VolumeAttachmentKind, undefined, name));
    const told = view.get<Node>(`nodes/${node}`);
    const isAttached = attachment?.status?.attached === true && attachment.metadata.deletionTimestamp === undefined;
    if (!isAttached || told === undefined || !isToldAttached(told, source)) throw VolumeFailure.expecting(title);
    return attachment.status?.attachmentMetadata ?? {};
  }

  /** Throws an Error in kubelet's words. */
  async #driver(node: string, name: string): Promise<CsiDriverSocket> {
    const { view } = this.#options;
    const told = view.get<CSINode>(keyFor(CSINodeKind, undefined, node))?.spec.drivers ?? [];
    const driver = told.some((driver) => driver.name === name) ? await this.#sockets.find(node, name) : undefined;
    if (driver === undefined) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    return driver;
  }

  /** The driver of a volume that is in use, and where the pods of the node have it. */
  async inUse(
    node: string,
    { driver, handle }: CsiVolume,
  ): Promise<{ readonly socket: CsiDriverSocket; readonly records: readonly Recorded[] }> {
    const all = await recordsOf(this.#options.directories, node);
    const records = all.filter(({ record }) => record.driverName === driver && record.volumeHandle === handle);
    return { socket: await this.#driver(node, driver), records };
  }

  /** Across the threads of this process, where Node has locks for that (24.5); in this thread at the least. */
  async #alone<T>(node: string, driver: string, handle: string, work: () => Promise<T>): Promise<T> {
    const key = `csi ${this.#options.directories.root} ${node} ${driver} ${handle}`;
    const { locks } = navigator as Partial<Pick<Navigator, "locks">>;
    if (locks !== undefined) return (await locks.request(key, work)) as T;
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(work);
    const over = turn.then(
      () => {},
      () => {},
    );
    this.#turns.set(key, over);
    return turn;
  }
}

function recordOf(node: string, { title, handle, driver, persistent }: CsiVolume, stagingPath: string, targetPath: string): MountedRecord {
  return {
    specVolID: title,
    volumeHandle: handle,
    driverName: driver,
    nodeName: node,
    attachmentID: attachmentName({ driver, volumeHandle: handle }, node),
    volumeLifecycleMode: persistent === undefined ? "Ephemeral" : "Persistent",
    targetPath,
    stagingPath,
  };
}

export async function capabilitiesOf(driver: CsiDriverSocket): Promise<ReadonlySet<number>> {
  const { capabilities } = await driver.node("NodeGetCapabilities", {});
  return new Set(capabilities.map(({ rpc }) => rpc?.type ?? 0));
}

/** A driver that knows nothing of the volume any more has nothing to undo. */
async function undone(step: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (error instanceof GrpcFailure && error.code === "NotFound") return;
    throw new Error(`kubernetes.io/csi: ${step} failed: ${(error as Error).message}`);
  }
}

function failureOf(step: string, title: string, why: string): VolumeFailure {
  return new VolumeFailure(`${step} failed for volume ${JSON.stringify(title)} : ${why}`);
}
