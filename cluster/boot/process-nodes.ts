import {
  type ContainerUsage,
  createFleetKind,
  createNodeKind,
  type Node,
  type NodeForm,
  type Pod,
  type UsageOf,
} from "../../actors/mod.ts";
import { SysctlAllowlist } from "../../actors/node/allocation/sysctl-allowlist.ts";
import type { AddressPlan } from "../../actors/node/cidr.ts";
import { type ContainerRuntime, schemeOf } from "../../actors/node/container-runtime.ts";
import { CsiVolumes } from "../../actors/node/csi/csi-volumes.ts";
import { NodeDirectories } from "../../actors/node/csi/node-directories.ts";
import { PluginRegistries } from "../../actors/node/csi/plugin-registries.ts";
import { CDI_DIRECTORIES } from "../../actors/node/devices/cdi.ts";
import { ClaimPreparer } from "../../actors/node/devices/claim-preparer.ts";
import { type ClusterDns, machineResolver } from "../../actors/node/dns/resolv-conf.ts";
import { createEvictionKind, EVICTION_KIND } from "../../actors/node/eviction/eviction.ts";
import { MachineStats } from "../../actors/node/eviction/machine-stats.ts";
import { type EvictionSettings, withAllocatable } from "../../actors/node/eviction/thresholds.ts";
import { networkReach } from "../../actors/node/network-reach.ts";
import type { NetworkPlace } from "../../actors/node/pod-network/place.ts";
import { createPodNetworkKind, POD_NETWORK_ADDRESS } from "../../actors/node/pod-network/pod-network.ts";
import { type Catalog, defaultCatalog, mergedCatalog } from "../../actors/node/process/catalog.ts";
import { machineForm, processNodesOf, type Reservation } from "../../actors/node/process/machine.ts";
import { ProcessRuntime } from "../../actors/node/process/process-runtime.ts";
import { readManifests } from "../../actors/node/static-pods/manifests.ts";
import { createStaticPodsKind, STATIC_PODS_KIND } from "../../actors/node/static-pods/static-pods.ts";
import { LocalVolumes, type LocalVolumesOptions } from "../../actors/node/volumes/local-volumes.ts";
import { MountCommand } from "../../actors/node/volumes/mount-command.ts";
import { NfsVolumes } from "../../actors/node/volumes/nfs-volumes.ts";
import type { VolumePlugin } from "../../actors/node/volumes/volume-plugin.ts";
import { createPodWorkerKind } from "../../actors/pod/life/pod-worker.ts";
import { isLoopback, parseServiceCidr } from "../../actors/registry/service-range.ts";
import type { ObjectView } from "../../actors/store/view.ts";
import type { ActorKind, Clock, Logger, Message } from "../../runtime/mod.ts";
import { isOfThisMachine } from "../outbound/own-address.ts";
import type { CriSettings } from "./cri-machine.ts";
import { anyKinds, type NodeGround } from "./ground.ts";
import { type OpenedRuntime, type PodNetworkOpened, takeAddresses } from "./opened-runtime.ts";
import type { Resident } from "./residents.ts";
import type { SandboxSettings } from "./sandbox-machine.ts";

/** How pods run that are real, on this machine. */
export interface ProcessSettings {
  readonly name: "process" | "sandbox" | "cri";
  /** Of the pods' files. */
  readonly directory: string;
  /** Of plugins and what they mount. */
  readonly nodesDirectory: string;
  /** Of volumes that are made on demand. */
  readonly volumesDirectory: string;
  /** Goes before the one that comes along. */
  readonly catalog: Catalog | undefined;
  /** Of pods that nodes run by themselves. */
  readonly staticPodPath: string;
  readonly reserved: Reservation;
  readonly eviction: EvictionSettings;
  /** Settings of the kernel that pods may have beside the safe ones. */
  readonly unsafeSysctls: readonly string[];
  /** Undefined: nothing more sets them apart than the machine lets any user. */
  readonly sandbox: SandboxSettings | undefined;
  /** Undefined: it is not a container runtime that runs them. */
  readonly cri: CriSettings | undefined;
}

export interface ProcessNodesOptions {
  readonly settings: ProcessSettings;
  /** Of this machine. */
  readonly nodes: number;
  /** Of the machine and of its pods, where these have a network of their own. */
  readonly network: { readonly addresses: AddressPlan; readonly place: NetworkPlace };
  /** With the Nodes of other machines; absent: they are seen as this one's are. */
  readonly others?: ObjectView;
  /** The range of services' addresses, where these are forwarded. */
  readonly services: string | undefined;
  readonly dns: ClusterDns;
  readonly issueToken: LocalVolumesOptions["issueToken"];
  /** How the nodes look where they are not the cluster's own. */
  readonly formOf?: (form: NodeForm) => NodeForm;
  readonly log: Logger;
}

export interface ProcessNodes {
  readonly kinds: readonly ActorKind<Message>[];
  readonly residents: readonly Resident[];
  readonly form: NodeForm;
  /** What this machine cannot do for pods, for people. */
  readonly cautions: readonly string[];
  /** Ends pods of which the API knows nothing any more: they were removed while no Troupe ran. */
  clearOrphans(): Promise<void>;
  /** Registers the plugins of this machine's nodes from now on. */
  registerPlugins(): void;
  /** What runs goes on. */
  close(): Promise<void>;
}

/** Nodes that are this machine, and what runs their pods as processes. */
export async function processNodes(ground: NodeGround, options: ProcessNodesOptions): Promise<ProcessNodes> {
  const { settings, nodes, dns, issueToken, log, formOf = (form) => form } = options;
  const { view, registry, clock, references } = ground;
  const { directory, reserved, eviction, staticPodPath } = settings;
  const { runtime, of, cautions, allocatableMemory, podNetwork } = await openRuntime(settings, options, clock);
  const recorder = ground.recorderFor("kubelet");
  const form = formOf(machineForm(nodes, reserved, eviction.thresholds, directory, of));
  const stats = new MachineStats({ view, runtime, directory, images: settings.sandbox?.unpackedImages, allocatableMemory });
  const directories = new NodeDirectories(settings.nodesDirectory);
  const plugins: readonly VolumePlugin[] = [
    new CsiVolumes({ view, registry, recorder, clock, directories, issueToken }),
    new NfsVolumes(directories, new MountCommand(clock)),
  ];
  const knownPods = async (): Promise<ReadonlySet<string>> => {
    const known = new Set(view.list("pods").map((entry) => view.decode<Pod>(entry).metadata.uid));
    for (const node of playedNodes(view, form)) {
      for (const { metadata } of (await readManifests(staticPodPath, node)).pods) known.add(metadata.uid);
    }
    return known;
  };
  const unmountOrphans = async (): Promise<void> => {
    const left = await directories.pods();
    const known = await knownPods();
    for (const { node, uid } of left) {
      if (known.has(uid)) continue;
      const why = "volumes of a pod that is gone are still mounted; they are let go of when their driver is there";
      const letGo = async (): Promise<void> => {
        for (const plugin of plugins) await plugin.unmount(node, uid);
      };
      await letGo().catch((error: unknown) => log.warn({ uid, error: String(error) }, why));
    }
  };
  const unmountOrphansAgain = (): void => {
    unmountOrphans().catch((error: unknown) => log.warn({ error: String(error) }, "pods that are gone could not be looked for"));
  };
  const volumes = new LocalVolumes({ view, directory, clock, issueToken, plugins });
  const registries = new PluginRegistries(
    { view, registry, directories, clock, log, registered: unmountOrphansAgain },
    ({ metadata: { labels = {} } }) => labels[form.label] === form.runtime,
  );
  const world = {
    view,
    registry,
    recorder,
    runtime,
    volumes,
    devices: new ClaimPreparer({ view, directories, clock, cdiDirectories: CDI_DIRECTORIES }),
    reach: networkReach,
    dns,
    machineResolver,
    ...(references && { references }),
  };
  return {
    form,
    cautions,
    // Whom nodes have beside them is there before they begin.
    kinds: anyKinds(
      createStaticPodsKind({ path: staticPodPath, view, registry, recorder, observe: (uid) => runtime.observe(uid) }),
      createEvictionKind({ view, recorder, stats, settings: { ...eviction, thresholds: withAllocatable(eviction.thresholds) } }),
      createFleetKind({ view, form }),
      createNodeKind({
        view,
        registry,
        form,
        recorder,
        usageOf: usageOf(runtime),
        real: {
          companions: [STATIC_PODS_KIND, EVICTION_KIND],
          sysctls: new SysctlAllowlist(settings.name === "process" ? undefined : settings.unsafeSysctls),
        },
      }),
      createPodWorkerKind(world),
      ...(podNetwork === undefined ? [] : [podNetworkKind(ground, options, podNetwork)]),
    ),
    residents: podNetwork === undefined ? [] : [{ address: POD_NETWORK_ADDRESS, message: { type: "start" } }],
    async clearOrphans() {
      const known = await knownPods();
      await volumes.clear(known);
      for (const uid of await runtime.pods()) {
        if (known.has(uid)) continue;
        log.info({ uid }, "a pod that was removed meanwhile is ended");
        await runtime.removePod(uid);
      }
      await unmountOrphans();
    },
    registerPlugins: () => registries.begin(),
    async close() {
      await registries.close();
      await volumes.close();
      await runtime.close();
    },
  };
}

/** The names of the nodes that are there and are played here. */
function playedNodes(view: ObjectView, form: NodeForm): readonly string[] {
  return view.list("nodes").flatMap((entry) => {
    const { name, labels } = view.decode<Node>(entry).metadata;
    return labels?.[form.label] === form.runtime ? [name] : [];
  });
}

function podNetworkKind(
  { view, recorderFor }: NodeGround,
  { network, others = view }: ProcessNodesOptions,
  { kernel, usePods }: PodNetworkOpened,
): unknown {
  return createPodNetworkKind({
    place: network.place,
    view,
    others,
    kernel,
    recorder: recorderFor("pod-network"),
    isHere: isOfThisMachine,
    ...(usePods === undefined ? {} : { usePods }),
  });
}

async function openRuntime(settings: ProcessSettings, { network, services }: ProcessNodesOptions, clock: Clock): Promise<OpenedRuntime> {
  const { directory, catalog: own = new Map(), sandbox, cri, reserved } = settings;
  if (cri !== undefined) {
    const { openCri } = await import("./cri-machine.ts");
    return openCri({ directory, clock, settings: cri, ...network, services, reserved });
  }
  const catalog = mergedCatalog(defaultCatalog(), own);
  if (sandbox !== undefined) {
    const { openSandboxes } = await import("./sandbox-machine.ts");
    return openSandboxes({ directory, catalog, clock, settings: sandbox, ...network, services, reserved });
  }
  const runtime = await ProcessRuntime.begin({ directory, catalog, clock });
  const of = processNodesOf(directory, runtime.isolation);
  const beside = await besideNetwork(directory, network.place, services);
  return { runtime, of, cautions: beside?.cautions ?? [], allocatableMemory: () => undefined, podNetwork: beside?.podNetwork };
}

/** Processes reach services and pods of other machines that have a network, where the machine may lead there; undefined: there is none. */
async function besideNetwork(
  directory: string,
  place: NetworkPlace,
  services: string | undefined,
): Promise<Pick<OpenedRuntime, "cautions" | "podNetwork"> | undefined> {
  if (services === undefined || isLoopback(parseServiceCidr(services))) return undefined;
  try {
    const kernel = await takeAddresses({ directory, place: { ...place, own: [], nodes: [] }, services });
    return { cautions: [], podNetwork: { kernel, usePods: undefined } };
  } catch (error) {
    const why = `services at ${services} and pods of other machines are not reached from here, which takes root: ${(error as Error).message}`;
    return { cautions: [why], podNetwork: undefined };
  }
}

function usageOf(runtime: ContainerRuntime): UsageOf {
  return ({ status = {} }) => {
    const used = runtime.usage();
    const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    return statuses.flatMap(({ containerID = "" }): ContainerUsage[] => {
      const usage = used.get(containerID.slice(`${schemeOf(runtime)}://`.length));
      return usage === undefined ? [] : [usage];
    });
  };
}
