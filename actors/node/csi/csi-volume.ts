/** What a pod wants of a CSI driver, read from its volume and what is behind it. Pure. Source: pkg/volume/csi (Kubernetes 1.34). */
import { createHash } from "node:crypto";
import { isMore, resizeStage } from "../../controllers/volumes/claim-resize.ts";
import type {
  CSIDriver,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
  SecretReference,
  Volume,
} from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import { CSIDriverKind } from "../../kinds/storage/csi-driver.ts";
import type { ObjectView } from "../../store/view.ts";
import type { Claimed } from "../volumes/claimed-volume.ts";
import { type Usage, usageOf } from "./volume-capability.ts";

export interface CsiVolume {
  /** The persistent volume's, or that of the pod's volume. */
  readonly title: string;
  readonly driver: string;
  readonly handle: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly usage: Usage;
  readonly readOnly: boolean;
  /** Undefined: it is the pod's own, and goes with it. */
  readonly persistent: PersistentVolume | undefined;
  readonly stageSecret: SecretReference | undefined;
  readonly publishSecret: SecretReference | undefined;
}

/** Undefined: the volume is none of a CSI driver. */
export function csiVolumeOf(pod: Pod, { name, csi }: Volume, claimed: Claimed | undefined): CsiVolume | undefined {
  if (csi !== undefined) return inline(pod, name, csi);
  const spec = claimed?.volume.spec;
  if (claimed === undefined || spec?.csi === undefined) return undefined;
  const { driver, volumeHandle, volumeAttributes = {}, nodeStageSecretRef, nodePublishSecretRef, readOnly } = spec.csi;
  return {
    title: claimed.volume.metadata.name,
    driver,
    handle: volumeHandle,
    attributes: volumeAttributes,
    usage: usageOf(spec),
    readOnly: claimed.readOnly || readOnly === true,
    persistent: claimed.volume,
    stageSecret: nodeStageSecretRef,
    publishSecret: nodePublishSecretRef,
  };
}

function inline({ metadata: { uid, namespace = "" } }: Pod, name: string, csi: NonNullable<Volume["csi"]>): CsiVolume {
  const { driver, fsType = "", readOnly, volumeAttributes = {}, nodePublishSecretRef: secret } = csi;
  return {
    title: name,
    driver,
    handle: `csi-${createHash("sha256").update(`${uid}${name}`).digest("hex")}`,
    attributes: volumeAttributes,
    usage: { mode: "ReadWriteOnce", isBlock: false, fsType, mountOptions: [] },
    readOnly: readOnly === true,
    persistent: undefined,
    stageSecret: undefined,
    publishSecret: secret === undefined ? undefined : { name: secret.name ?? "", namespace },
  };
}

type Objects = Pick<ObjectView, "get">;

export function csiDriverOf(view: Objects, name: string): CSIDriver | undefined {
  return view.get<CSIDriver>(keyFor(CSIDriverKind, undefined, name));
}

/** Why the driver is not for volumes of this life; undefined: it is. Source: supportsVolumeLifecycleMode. */
export function lifeRefusal(view: Objects, { driver: name, persistent }: CsiVolume): string | undefined {
  const mode = persistent === undefined ? "Ephemeral" : "Persistent";
  const driver = csiDriverOf(view, name);
  if (driver === undefined)
    return mode === "Persistent" ? undefined : `volume mode ${JSON.stringify(mode)} not supported by driver ${name} (no CSIDriver object)`;
  const modes = driver.spec.volumeLifecycleModes ?? [];
  if (modes.includes(mode)) return undefined;
  const known = modes.map((one) => JSON.stringify(one)).join(" ");
  return `volume mode ${JSON.stringify(mode)} not supported by driver ${name} (only supports [${known}])`;
}

/** Whether the node gives the volume's files to the pod's group. Source: supportsFSGroup, getFSGroupPolicy. */
export function takesGroup(view: Objects, { driver, readOnly, usage, persistent }: CsiVolume): boolean {
  const policy = csiDriverOf(view, driver)?.spec.fsGroupPolicy ?? "ReadWriteOnceWithFSType";
  if (policy === "None" || readOnly || usage.isBlock) return false;
  if (policy === "File") return true;
  if (usage.fsType === "") return false;
  const modes = persistent === undefined ? ["ReadWriteOnce"] : (persistent.spec?.accessModes ?? []);
  return modes.includes("ReadWriteOnce") || modes.includes("ReadWriteOncePod");
}

const PREFIX = "csi.storage.k8s.io";

/** What the driver is told of the pod, where it asks for that. Source: getPodInfoAttrs. */
export function podAttributes(view: Objects, { metadata, spec }: Pod, { driver, persistent }: CsiVolume): Readonly<Record<string, string>> {
  const told = csiDriverOf(view, driver)?.spec;
  if (told?.podInfoOnMount !== true) return {};
  return {
    [`${PREFIX}/pod.name`]: metadata.name,
    [`${PREFIX}/pod.namespace`]: metadata.namespace ?? "",
    [`${PREFIX}/pod.uid`]: metadata.uid,
    [`${PREFIX}/serviceAccount.name`]: spec.serviceAccountName ?? "",
    [`${PREFIX}/ephemeral`]: String(persistent === undefined),
  };
}

/** The attribute that has the tokens of the pod's service account. */
export const TOKENS_ATTRIBUTE: string = `${PREFIX}/serviceAccount.tokens`;

/** Throws an Error in kubelet's words. Source: getCredentialsFromSecret. */
export function secretsOf(view: Objects, what: string, reference: SecretReference | undefined): Readonly<Record<string, string>> {
  if (reference === undefined) return {};
  const { name = "", namespace = "" } = reference;
  const secret = view.get<Secret>(`secrets/${namespace}/${name}`);
  if (secret === undefined) {
    const missing = `failed to find the secret ${name} in the namespace ${namespace} with error: secrets ${JSON.stringify(name)} not found`;
    throw new Error(`fetching ${what} ${namespace}/${name} failed: kubernetes.io/csi: ${missing}`);
  }
  return Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, "base64").toString()]));
}

/** The claim of a volume that has more room than the claim says, where it is for the node to make use of it. */
export function claimToGrow(view: Pick<ObjectView, "get">, { persistent }: CsiVolume): Growing | undefined {
  const volume = view.get<PersistentVolume>(`persistentvolumes/${persistent?.metadata.name}`);
  const { namespace, name, uid } = volume?.spec?.claimRef ?? {};
  const claim = view.get<PersistentVolumeClaim>(`persistentvolumeclaims/${namespace}/${name}`);
  const size = volume?.spec?.capacity?.storage;
  const told = claim?.status?.capacity?.storage;
  if (
    volume === undefined ||
    claim === undefined ||
    claim.metadata.uid !== uid ||
    size === undefined ||
    told === undefined ||
    !isMore(size, told)
  )
    return undefined;
  const stage = resizeStage(claim);
  const isPending = claim.status?.conditions?.some(({ type, status }) => type === "FileSystemResizePending" && status === "True") === true;
  const isOurs = stage === undefined ? isPending : stage === "NodeResizePending" || stage === "NodeResizeInProgress";
  return isOurs ? { volume, claim, size } : undefined;
}

export interface Growing {
  readonly volume: PersistentVolume;
  readonly claim: PersistentVolumeClaim;
  readonly size: string;
}
