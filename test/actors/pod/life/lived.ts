import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NamespaceKind } from "../../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { ServiceAccountKind } from "../../../../actors/kinds/core/service-account.ts";
import { serviceUnavailable } from "../../../../actors/kinds/errors.ts";
import type { ContainerStatus, Event, Namespace, Node, Pod, ServiceAccount } from "../../../../actors/kinds/generated/types.ts";
import { KindTable } from "../../../../actors/kinds/kinds.ts";
import { SysctlAllowlist } from "../../../../actors/node/allocation/sysctl-allowlist.ts";
import type { AddressPlan } from "../../../../actors/node/cidr.ts";
import type { ContainerRuntime } from "../../../../actors/node/container-runtime.ts";
import { NO_CLAIMS, type PodDevices } from "../../../../actors/node/devices/pod-devices.ts";
import { EVICTION_KIND, type EvictionMessage, type EvictionOptions } from "../../../../actors/node/eviction/eviction.ts";
import { createFleetKind } from "../../../../actors/node/fleet.ts";
import { HOLLOW_FORM } from "../../../../actors/node/hollow/hollow-form.ts";
import type { FleetMessage } from "../../../../actors/node/messages.ts";
import { createNodeKind } from "../../../../actors/node/node.ts";
import type { PodVolumes } from "../../../../actors/node/pod-volumes.ts";
import type { Reach } from "../../../../actors/node/reach.ts";
import { createStaticPodsKind, STATIC_PODS_KIND } from "../../../../actors/node/static-pods/static-pods.ts";
import { createPodWorkerKind, type PodWorkerMessage } from "../../../../actors/pod/life/pod-worker.ts";
import type { PodOrder } from "../../../../actors/pod/pod-order.ts";
import { createEventRecorder } from "../../../../actors/registry/create-event-recorder.ts";
import { createRegistry } from "../../../../actors/registry/create-registry.ts";
import type { Registry } from "../../../../actors/registry/registry.ts";
import { MemoryLog } from "../../../../actors/store/memory-log.ts";
import type { StoreClient } from "../../../../actors/store/transaction.ts";
import type { Entry } from "../../../../actors/store/view.ts";
import { type ActorKind, addressOf, seededRandom, type VirtualClock, virtualClock } from "../../../../runtime/mod.ts";
import { named } from "../../registry/harness.ts";
import { startStore, type TestStore } from "../../store/harness.ts";
import { ScriptedRuntime } from "./scripted-runtime.ts";

export interface Begun {
  /** Over what the node has left. */
  readonly watches?: (world: Pick<EvictionOptions, "view" | "recorder">) => ActorKind<EvictionMessage>;
  readonly addresses?: AddressPlan;
}

/** A node whose pods live in a runtime, a scripted one where no other is given, on virtual time. */
export class Lived<R extends ContainerRuntime = ScriptedRuntime> {
  readonly clock: VirtualClock = virtualClock();
  readonly store: TestStore = startStore({ log: new MemoryLog(), clock: this.clock });
  readonly runtime: R;
  readonly registry: Registry;
  /** What is at the pods' ports. */
  reach: Reach = {
    http: async () => ({ status: 200, body: "", location: undefined }),
    tcp: async () => {},
    grpcHealth: async () => "SERVING",
  };

  /** Where the pods' volumes are. */
  mount: PodVolumes["mount"] = async () => new Map();
  unmount: PodVolumes["unmount"] = async () => {};
  /** Of the pods' claims. */
  devices: PodDevices = { prepare: async () => NO_CLAIMS, edits: async () => ({ env: [], mounts: [] }), unprepare: async () => {} };
  /** One of the volumes of the pod, which runs, holds more than it may. */
  exceeded: (message: string) => void = () => {};

  /** The first node's manifests are in this directory. */
  readonly manifests: string = mkdtempSync(join(tmpdir(), "troupe-manifests-"));
  /** While it is true the API takes no write of the nodes'. */
  isCutOff = false;

  private constructor(runtimeOf: (clock: VirtualClock) => R) {
    this.runtime = runtimeOf(this.clock);
    const { replica: view, client } = this.store;
    const store: StoreClient = {
      propose: (...asked) => (this.isCutOff ? Promise.reject(serviceUnavailable("cut off")) : client.propose(...asked)),
      committedRevision: () => client.committedRevision(),
    };
    this.registry = createRegistry({ view, store, clock: this.clock, random: seededRandom(1), kinds: new KindTable() });
  }

  static begin(begun?: Begun): Promise<Lived> {
    return Lived.beginWith((clock) => new ScriptedRuntime(clock), begun);
  }

  static async beginWith<R extends ContainerRuntime>(
    runtimeOf: (clock: VirtualClock) => R,
    { watches, addresses = HOLLOW_FORM.addresses }: Begun = {},
  ): Promise<Lived<R>> {
    const lived = new Lived(runtimeOf);
    const { clock, registry, runtime } = lived;
    const { replica: view, client, host } = lived.store;
    const recorder = createEventRecorder({ view, store: client, clock, random: seededRandom(2), source: { component: "kubelet" } });
    const form = { ...HOLLOW_FORM, addresses, runtime: runtime.name };
    const reach: Reach = {
      http: (call) => lived.reach.http(call),
      tcp: (...place) => lived.reach.tcp(...place),
      grpcHealth: (...place) => lived.reach.grpcHealth(...place),
    };
    const volumes: PodVolumes = {
      mount: (pod) => lived.mount(pod),
      follow: (_pod, exceeded) => {
        lived.exceeded = exceeded;
      },
      leave: () => {},
      unmount: (pod) => lived.unmount(pod),
    };
    const devices: PodDevices = {
      prepare: (pod) => lived.devices.prepare(pod),
      edits: (...asked) => lived.devices.edits(...asked),
      unprepare: (...asked) => lived.devices.unprepare(...asked),
    };
    const dns = { addresses: [], domain: "cluster.local" };
    const machineResolver = async () => ({ nameservers: [], searches: [], options: [] });
    if (watches !== undefined) host.register(watches({ view, recorder }));
    const companions = watches === undefined ? [STATIC_PODS_KIND] : [STATIC_PODS_KIND, EVICTION_KIND];
    host.register(createFleetKind({ view, form }));
    host.register(
      createNodeKind({ view, registry, form, recorder, usageOf: () => [], real: { companions, sysctls: new SysctlAllowlist([]) } }),
    );
    const observe = (uid: string): ReturnType<ContainerRuntime["observe"]> => runtime.observe(uid);
    host.register(createStaticPodsKind({ path: lived.manifests, view, registry, recorder, observe }));
    host.register(createPodWorkerKind({ view, registry, recorder, runtime, volumes, devices, reach, dns, machineResolver }));
    await lived.during(async () => {
      for (const name of ["d", "default", "kube-node-lease"])
        await registry.create(NamespaceKind, named<Namespace>(name, undefined, { spec: {} }));
      await registry.create(ServiceAccountKind, named<ServiceAccount>("default", "d", { automountServiceAccountToken: false }));
      const start: FleetMessage = { type: "start", nodes: 1 };
      const started = host.messenger.ask("fleet/main", start);
      // A node that is to wait for its range has begun when it has it.
      if (addresses.podCidrOf(0) !== undefined) await started;
    });
    return lived;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    let over = false;
    const done = work().finally(() => {
      over = true;
    });
    for (let round = 0; round < 100 && !over; round++) await this.clock.run(10);
    return done;
  }

  /** The pod's worker crashes on what nobody tells it, and its node makes another one. */
  async another(): Promise<void> {
    const entry = { key: "pods/d/p", revision: Number.MAX_SAFE_INTEGER, text: "no object" } as unknown as Entry;
    const nonsense: PodOrder = { type: "sync", entry, place: { hostIP: "", podIP: "" } };
    this.store.host.messenger.tell(addressOf("pod", this.now?.metadata.uid ?? ""), nonsense);
    await this.clock.run(3_000);
  }

  tellWorker(message: PodWorkerMessage): void {
    this.store.host.messenger.tell(addressOf("pod", this.now?.metadata.uid ?? ""), message);
  }

  /** A pod `p` on the node. */
  async pod(spec: object): Promise<void> {
    await this.during(() => this.registry.create(PodKind, named<Pod>("p", "d", { spec: { nodeName: "node-0", ...spec } })));
  }

  async delete(gracePeriodSeconds?: number): Promise<void> {
    const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    await this.during(() => this.registry.delete(PodKind, "d", "p", options));
  }

  get node(): Node | undefined {
    return this.store.replica.get<Node>("nodes/node-0");
  }

  get now(): Pod | undefined {
    return this.store.replica.get<Pod>("pods/d/p");
  }

  /** `Pending | init: running | c: CrashLoopBackOff (2)`; a `*` is for ready. */
  get state(): string {
    const { phase, reason, initContainerStatuses = [], containerStatuses = [] } = this.now?.status ?? {};
    const title = reason === undefined ? phase : `${phase}/${reason}`;
    return [title, ...[...initContainerStatuses, ...containerStatuses].map(stateOf)].join(" | ");
  }

  condition(type: string): string {
    const condition = this.now?.status?.conditions?.find((each) => each.type === type);
    return [condition?.status, condition?.reason, condition?.message].filter((word) => word !== undefined).join(": ");
  }

  /** Every state in order, while time goes on. */
  async statesDuring(ms: number): Promise<readonly string[]> {
    const states = [this.state];
    const subscription = this.store.replica.watch("pods", this.store.replica.revision, () => {
      if (this.state !== states.at(-1)) states.push(this.state);
    });
    await this.clock.run(ms);
    subscription.cancel();
    return states;
  }

  events(reason: string): readonly string[] {
    return this.store.replica
      .list("events")
      .map((entry) => this.store.replica.decode<Event>(entry))
      .filter((event) => event.reason === reason)
      .map(({ message = "", count = 1 }) => (count > 1 ? `${message} x${count}` : message));
  }

  async stop(): Promise<void> {
    await this.store.stop();
    rmSync(this.manifests, { recursive: true, force: true });
  }
}

function stateOf({ name, state = {}, ready, restartCount }: ContainerStatus): string {
  const what =
    state.waiting?.reason ?? (state.terminated === undefined ? "running" : `${state.terminated.reason}:${state.terminated.exitCode}`);
  return `${name}: ${what}${ready ? "*" : ""}${restartCount > 0 ? ` (${restartCount})` : ""}`;
}
