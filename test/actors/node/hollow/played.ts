import { NamespaceKind } from "../../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { ServiceAccountKind } from "../../../../actors/kinds/core/service-account.ts";
import type { Event, Namespace, Pod, ServiceAccount } from "../../../../actors/kinds/generated/types.ts";
import { KindTable } from "../../../../actors/kinds/kinds.ts";
import { createFleetKind } from "../../../../actors/node/fleet.ts";
import { fates } from "../../../../actors/node/hollow/fate.ts";
import { HOLLOW_FORM } from "../../../../actors/node/hollow/hollow-form.ts";
import { createHollowRuntime } from "../../../../actors/node/hollow-runtime.ts";
import type { FleetMessage } from "../../../../actors/node/messages.ts";
import { createNodeKind } from "../../../../actors/node/node.ts";
import { createPodKind } from "../../../../actors/pod/pod.ts";
import { createEventRecorder } from "../../../../actors/registry/create-event-recorder.ts";
import { createRegistry } from "../../../../actors/registry/create-registry.ts";
import type { Registry } from "../../../../actors/registry/registry.ts";
import { createStagePlayerKind, STAGE_PLAYER_ADDRESS, type StagePlayerMessage } from "../../../../actors/stages/player.ts";
import { Stages } from "../../../../actors/stages/stages.ts";
import { MemoryLog } from "../../../../actors/store/memory-log.ts";
import { seededRandom, silentLogger, type VirtualClock, virtualClock } from "../../../../runtime/mod.ts";
import { named } from "../../registry/harness.ts";
import { startStore, type TestStore } from "../../store/harness.ts";

/** Hollow nodes and their pods on virtual time: what takes minutes is over at once. */
export class Played {
  readonly clock: VirtualClock;
  readonly store: TestStore;
  readonly registry: Registry;

  private constructor(clock: VirtualClock, store: TestStore, registry: Registry) {
    this.clock = clock;
    this.store = store;
    this.registry = registry;
  }

  static async begin({ nodes = 1, stages: documents = [] }: { nodes?: number; stages?: readonly unknown[] } = {}): Promise<Played> {
    const clock = virtualClock();
    const random = seededRandom(1);
    const kinds = new KindTable();
    const store = startStore({ log: new MemoryLog(), clock });
    const { replica: view, client, host } = store;
    const registry = createRegistry({ view, store: client, clock, random, kinds });
    const recorder = createEventRecorder({ view, store: client, clock, random, source: { component: "kubelet" } });
    const runtime = createHollowRuntime(clock, random);
    const stages = new Stages({ view, registry, recorder, kinds, clock, log: silentLogger, fate: fates(0), documents, version: "v0" });
    host.register(createFleetKind({ view, form: HOLLOW_FORM, stages }));
    host.register(createNodeKind({ view, registry, form: HOLLOW_FORM, recorder, usageOf: () => [], stages }));
    host.register(createPodKind({ view, registry, recorder, runtime, stages }));
    host.register(createStagePlayerKind(stages));
    host.messenger.tell<StagePlayerMessage>(STAGE_PLAYER_ADDRESS, { type: "start" });
    const played = new Played(clock, store, registry);
    await played.during(async () => {
      for (const name of ["d", "default", "kube-node-lease"])
        await registry.create(NamespaceKind, named<Namespace>(name, undefined, { spec: {} }));
      await registry.create(ServiceAccountKind, named<ServiceAccount>("default", "d"));
      const start: FleetMessage = { type: "start", nodes };
      await host.messenger.ask("fleet/main", start);
    });
    return played;
  }

  /** Does something while time goes on, which nothing here does by itself. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    let over = false;
    const done = work().finally(() => {
      over = true;
    });
    for (let round = 0; round < 100 && !over; round++) await this.clock.run(10);
    return done;
  }

  /** A pod on node-0 with these annotations, their prefix left out. */
  async pod(name: string, annotations: Readonly<Record<string, string>>, spec: object = {}, metadata: object = {}): Promise<void> {
    const told = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`troupe.dev/hollow-${key}`, value]));
    const pod = named<Pod>(name, "d", {
      metadata: { annotations: told, ...metadata },
      spec: { nodeName: "node-0", containers: [{ name: "c", image: "nginx" }], ...spec },
    });
    await this.during(() => this.registry.create(PodKind, pod));
  }

  podOf(name: string): Pod | undefined {
    return this.store.replica.get<Pod>(`pods/d/${name}`);
  }

  /** `Pending ErrImagePull`, `Running (2)`: the phase, what the container waits for or ended with, and its restarts. */
  stateOf(name: string): string {
    const { phase, containerStatuses: [container] = [] } = this.podOf(name)?.status ?? {};
    const { waiting, terminated } = container?.state ?? {};
    const what = waiting?.reason ?? (terminated === undefined ? undefined : `${terminated.reason}:${terminated.exitCode}`);
    return [phase, what, container?.ready ? "ready" : undefined, container?.restartCount ? `(${container.restartCount})` : undefined]
      .filter((word) => word !== undefined)
      .join(" ");
  }

  /** Every state of the pod, in order, while time goes on. */
  async statesDuring(name: string, ms: number): Promise<readonly string[]> {
    const states: string[] = [this.stateOf(name)];
    const subscription = this.store.replica.watch("pods", this.store.replica.revision, () => {
      const state = this.stateOf(name);
      if (state !== states.at(-1)) states.push(state);
    });
    await this.clock.run(ms);
    subscription.cancel();
    return states;
  }

  /** Reasons and messages of all Events. */
  events(): readonly string[] {
    return this.store.replica
      .list("events")
      .map((entry) => this.store.replica.decode<Event>(entry))
      .map(({ reason, message }) => `${reason}: ${message}`);
  }

  async stop(): Promise<void> {
    await this.store.stop();
  }
}
