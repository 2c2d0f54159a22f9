import type { Clock } from "../../../runtime/mod.ts";
import { deviceClaimOf, foreignClaim, isReservedFor } from "../../kinds/core/pod-device-claims.ts";
import type { Pod, PodResourceClaim, ResourceResourceClaim as ResourceClaim } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import { ResourceClaimKind } from "../../kinds/resource/resource-claim.ts";
import type { ObjectView } from "../../store/view.ts";
import { DriverSockets } from "../csi/driver-sockets.ts";
import type { NodeDirectories } from "../csi/node-directories.ts";
import { GrpcClient } from "../grpc/client.ts";
import type { Received } from "../grpc/messages.ts";
import { cdiEdits } from "./cdi.ts";
import { DRA_PLUGIN, serviceOfDriver, socketOf } from "./device-driver.ts";
import type { DraMessages, DraService } from "./messages.ts";
import { type DeviceEdits, DeviceFailure, NO_CLAIMS, type PodDevices, type PreparedClaims, type PreparedDevice } from "./pod-devices.ts";

/** Source: kubelet's PluginClientTimeout. */
const CALL_TIMEOUT_MS = 45_000;

export interface ClaimPreparerOptions {
  readonly view: ObjectView;
  readonly directories: NodeDirectories;
  /** Where the machine has descriptions of devices, beside those of its nodes. */
  readonly cdiDirectories: readonly string[];
  readonly clock: Clock;
}

/** What a driver is asked of a claim. */
interface Asked {
  readonly namespace: string;
  readonly uid: string;
  readonly name: string;
}

interface Wanted {
  readonly podClaim: string;
  readonly asked: Asked;
  readonly drivers: ReadonlySet<string>;
}

/** Of a pod that is here. */
interface Held {
  /** What drivers were asked to prepare; they may have, even where they said that they could not. */
  readonly asked: Map<string, readonly Asked[]>;
  prepared: PreparedClaims | undefined;
}

/**
 * Has drivers prepare the devices of pods' claims, and let go of them. It keeps on disk nothing: drivers may be asked again for what they have prepared, and after a restart
 * the API says what a pod had. Source: pkg/kubelet/cm/dra.
 */
export class ClaimPreparer implements PodDevices {
  readonly #options: ClaimPreparerOptions;
  readonly #sockets: DriverSockets;
  /** By the uid of the pod. */
  readonly #held = new Map<string, Held>();

  constructor(options: ClaimPreparerOptions) {
    this.#options = options;
    this.#sockets = new DriverSockets(options.directories, options.clock);
  }

  async prepare(pod: Pod): Promise<PreparedClaims> {
    const { resourceClaims = [], nodeName = "" } = pod.spec;
    if (resourceClaims.length === 0) return NO_CLAIMS;
    const { uid } = pod.metadata;
    const held = this.#held.get(uid) ?? { asked: new Map(), prepared: undefined };
    if (held.prepared !== undefined) return held.prepared;
    this.#held.set(uid, held);
    try {
      const wanted = resourceClaims.flatMap((podClaim) => this.#wantedOf(pod, podClaim) ?? []);
      held.prepared = await this.#prepareAll(nodeName, wanted, held);
      return held.prepared;
    } catch (error) {
      throw new DeviceFailure(`Failed to prepare dynamic resources: prepare dynamic resources: ${(error as Error).message}`);
    }
  }

  edits({ spec }: Pod, cdiDevices: readonly string[]): Promise<DeviceEdits> {
    const { cdiDirectories, directories } = this.#options;
    return cdiEdits(cdiDevices, [...cdiDirectories, directories.cdiOf(spec.nodeName ?? "")]);
  }

  async unprepare(pod: Pod, hasRun: boolean): Promise<void> {
    const { resourceClaims = [], nodeName = "" } = pod.spec;
    if (resourceClaims.length === 0) return;
    const { uid } = pod.metadata;
    const asked = this.#held.get(uid)?.asked ?? (hasRun ? byDriver(this.#allocatedTo(pod)) : new Map<string, readonly Asked[]>());
    for (const [driver, all] of [...asked]) {
      const claims = all.filter((claim) => !this.#isUsedByAnother(pod, claim));
      if (claims.length > 0) await this.#letGo(nodeName, driver, claims);
      asked.delete(driver);
    }
    this.#held.delete(uid);
  }

  async #letGo(node: string, driver: string, claims: readonly Asked[]): Promise<void> {
    const failed = (why: string): DeviceFailure => new DeviceFailure(`unprepare dynamic resources: ${why}`);
    const client = await this.#client(node, driver).catch((error: Error) => Promise.reject(failed(error.message)));
    try {
      const answers = await client.call("NodeUnprepareResources", { claims }, CALL_TIMEOUT_MS);
      for (const { name, uid } of claims) {
        const answer = answers.claims[uid];
        if (answer === undefined) throw new Error("NodeUnprepareResources skipped 1 ResourceClaims");
        if (answer.error !== "") throw new Error(`NodeUnprepareResources failed for ResourceClaim ${name}: ${answer.error}`);
      }
    } catch (error) {
      throw failed((error as Error).message);
    } finally {
      client.close();
    }
  }

  /** Undefined: none was needed. Throws what is in the way. */
  #wantedOf(pod: Pod, podClaim: PodResourceClaim): Wanted | undefined {
    const named = deviceClaimOf(pod, podClaim);
    if (typeof named === "string") throw new Error(named);
    if (named.name === undefined) return undefined;
    const claim = this.#claimOf(pod, podClaim);
    if (claim === undefined) {
      throw new Error(`fetch ResourceClaim ${named.name}: resourceclaims.resource.k8s.io ${JSON.stringify(named.name)} not found`);
    }
    const foreign = named.made ? foreignClaim(pod, claim) : undefined;
    if (foreign !== undefined) throw new Error(foreign);
    const { name, uid } = pod.metadata;
    if (!isReservedFor(claim, pod)) {
      throw new Error(`pod ${name} (${uid}) is not allowed to use ResourceClaim ${named.name} (${claim.metadata.uid})`);
    }
    if (claim.status?.allocation === undefined) throw new Error(`ResourceClaim ${named.name}: not allocated`);
    return wantedOf(podClaim, claim);
  }

  /** As far as the API still says. */
  #allocatedTo(pod: Pod): readonly Wanted[] {
    return (pod.spec.resourceClaims ?? []).flatMap((podClaim) => {
      const claim = this.#claimOf(pod, podClaim);
      return claim !== undefined && isReservedFor(claim, pod) ? [wantedOf(podClaim, claim)] : [];
    });
  }

  #claimOf(pod: Pod, podClaim: PodResourceClaim): ResourceClaim | undefined {
    const named = deviceClaimOf(pod, podClaim);
    if (typeof named === "string" || named.name === undefined) return undefined;
    return this.#options.view.get<ResourceClaim>(keyFor(ResourceClaimKind, pod.metadata.namespace, named.name));
  }

  async #prepareAll(node: string, wanted: readonly Wanted[], { asked }: Held): Promise<PreparedClaims> {
    const prepared = new Map<string, PreparedDevice[]>(wanted.map(({ podClaim }) => [podClaim, []]));
    for (const [driver, claims] of byDriver(wanted)) {
      const client = await this.#client(node, driver);
      try {
        asked.set(driver, claims);
        const answers = await client.call("NodePrepareResources", { claims }, CALL_TIMEOUT_MS);
        for (const { podClaim, asked: claim } of wanted.filter(({ drivers }) => drivers.has(driver))) {
          const answer = answers.claims[claim.uid];
          if (answer === undefined) throw new Error("NodePrepareResources skipped 1 ResourceClaims");
          if (answer.error !== "") throw new Error(`NodePrepareResources failed for ResourceClaim ${claim.name}: ${answer.error}`);
          prepared.get(podClaim)?.push(...answer.devices.map(deviceOf));
        }
      } finally {
        client.close();
      }
    }
    return prepared;
  }

  /** Of one connection, to be closed. Throws when the driver is not there. */
  async #client(node: string, driver: string): Promise<Client> {
    const plugin = await this.#sockets.plugin(node, DRA_PLUGIN, driver);
    const service = plugin === undefined ? undefined : serviceOfDriver(plugin.supportedVersions);
    if (plugin === undefined || service === undefined) throw new Error(`DRA driver ${driver} is not registered`);
    return new GrpcClient(service, socketOf(plugin.endpoint), this.#options.clock);
  }

  #isUsedByAnother(pod: Pod, { namespace, name, uid }: Asked): boolean {
    const { view } = this.#options;
    const claim = view.get<ResourceClaim>(keyFor(ResourceClaimKind, namespace, name));
    if (claim?.metadata.uid !== uid) return false;
    return (claim.status?.reservedFor ?? []).some((user) => {
      const other = user.uid === pod.metadata.uid ? undefined : view.get<Pod>(`pods/${namespace}/${user.name}`);
      if (other?.metadata.uid !== user.uid || other.spec.nodeName !== pod.spec.nodeName) return false;
      const { phase } = other.status ?? {};
      return phase !== "Succeeded" && phase !== "Failed";
    });
  }
}

type Client = GrpcClient<DraMessages, DraService["methods"]>;

function wantedOf({ name: podClaim }: PodResourceClaim, { metadata, status }: ResourceClaim): Wanted {
  const { namespace = "", uid, name } = metadata;
  const drivers = new Set((status?.allocation?.devices?.results ?? []).map(({ driver }) => driver));
  return { podClaim, asked: { namespace, uid, name }, drivers };
}

/** Each claim once, whatever names the pod has for it. */
function byDriver(wanted: readonly Wanted[]): Map<string, readonly Asked[]> {
  const claims = new Map<string, Map<string, Asked>>();
  for (const { asked, drivers } of wanted) {
    for (const driver of drivers) {
      const ofDriver = claims.get(driver) ?? new Map<string, Asked>();
      claims.set(driver, ofDriver.set(asked.uid, asked));
    }
  }
  return new Map([...claims].map(([driver, ofDriver]) => [driver, [...ofDriver.values()]]));
}

function deviceOf({ requestNames, cdiDeviceIds }: Received<DraMessages, "Device">): PreparedDevice {
  return { requests: requestNames, cdiIds: cdiDeviceIds };
}
