import {
  API_SERVICES_ADDRESS,
  BUILT_IN_KINDS,
  CONTROLLER_NAMES,
  type ControllersOptions,
  createControllerKind,
  createDefinitionsKind,
  createEventRecorder,
  createFleetKind,
  createNodeKind,
  createPodKind,
  createSchedulerKind,
  createStagePlayerKind,
  DEFINITIONS_ADDRESS,
  type EventRecorder,
  type Fate,
  FLEET_ADDRESS,
  type FleetMessage,
  HOLLOW_FORM,
  type KindTable,
  type NodeRuntime,
  type Registry,
  type Replica,
  SCRUBBER_ADDRESS,
  type SchedulerOptions,
  SNAPSHOTTER_ADDRESS,
  STAGE_PLAYER_ADDRESS,
  type Stages,
  type StoreClient,
  type UsageOf,
} from "../../actors/mod.ts";
import {
  type ActorKind,
  type Address,
  addressOf,
  type Clock,
  type Directory,
  type Message,
  type Messenger,
  type Random,
} from "../../runtime/mod.ts";
import { untilNewest } from "../gateway/context.ts";
import type { Role } from "./layout.ts";

/** What the actors of a host stand on. */
export interface Ground {
  readonly view: Replica;
  readonly store: StoreClient;
  readonly registry: Registry;
  readonly kinds: KindTable;
  readonly clock: Clock;
  readonly random: Random;
}

export function recorderFor(
  { view, store, clock, random }: Ground,
  component: string,
  special: { readonly tellsAllApart?: boolean } = {},
): EventRecorder {
  return createEventRecorder({ view, store, clock, random, source: { component }, ...special });
}

export function definitionsActors(ground: Ground): readonly ActorKind<Message>[] {
  const { view, registry } = ground;
  return anyKinds(createDefinitionsKind({ view, registry, recorderFor: (component) => recorderFor(ground, component) }));
}

export function schedulerActors(
  ground: Ground,
  own: Omit<SchedulerOptions, "view" | "registry" | "recorder">,
): readonly ActorKind<Message>[] {
  const { view, registry } = ground;
  return anyKinds(
    createSchedulerKind({ ...own, view, registry, recorder: recorderFor(ground, "default-scheduler", { tellsAllApart: true }) }),
  );
}

export function controllerActors(
  ground: Ground,
  own: Omit<ControllersOptions, "view" | "registry" | "recorderFor" | "catchUp" | "kinds" | "hearOfCustom">,
): readonly ActorKind<Message>[] {
  const { view, store, registry, kinds } = ground;
  return anyKinds(
    createControllerKind({
      ...own,
      view,
      registry,
      recorderFor: (component) => recorderFor(ground, component),
      kinds: BUILT_IN_KINDS,
      hearOfCustom: (hear) => kinds.hearOfCustom(hear),
      // Another host's controller may have written a moment ago what this view does not show yet.
      catchUp: () => untilNewest({ view, store }),
    }),
  );
}

/** How hollow nodes are played. */
export interface NodesPlayed {
  readonly runtime: NodeRuntime;
  readonly fate: Fate;
  readonly usageOf: UsageOf;
  readonly stages: Stages;
  /** The Node of this machine; absent: none is. */
  readonly machine?: string | undefined;
}

export function nodeActors(ground: Ground, { runtime, fate, usageOf, stages, machine }: NodesPlayed): readonly ActorKind<Message>[] {
  const { view, registry } = ground;
  const recorder = recorderFor(ground, "kubelet");
  return anyKinds(
    createFleetKind({ view, form: HOLLOW_FORM, stages }),
    createNodeKind({ view, registry, form: HOLLOW_FORM, recorder, fate, usageOf, stages, machine }),
    createPodKind({ view, registry, recorder, runtime, stages }),
  );
}

/** Plays stages of whatever kind. */
export function stageActors(stages: Stages): readonly ActorKind<Message>[] {
  return anyKinds(createStagePlayerKind(stages));
}

// A kind of one union of messages is none of all messages to the compiler; a host hands each only what was sent to it.
export function anyKinds(...kinds: readonly unknown[]): readonly ActorKind<Message>[] {
  return kinds as readonly ActorKind<Message>[];
}

/** An actor that is to be there at all times, and what it is woken by; hearing that again changes nothing. */
export interface Resident {
  readonly address: Address;
  readonly message: Message;
}

/** Those of a role. The writer is not among them: whoever writes wakes it. Schedulers have keepers of their own. */
export function residentsOf(role: Role): readonly Resident[] {
  const started = (addresses: readonly Address[]): readonly Resident[] =>
    addresses.map((address) => ({ address, message: { type: "start" } }));
  switch (role) {
    case "gateway":
    case "scheduler":
      return [];
    case "store":
      return started([DEFINITIONS_ADDRESS, API_SERVICES_ADDRESS, SNAPSHOTTER_ADDRESS, SCRUBBER_ADDRESS]);
    case "controllers":
      return started(CONTROLLER_NAMES.map((name) => addressOf("controller", name)));
    case "nodes": {
      const goOn: FleetMessage = { type: "goOn" };
      return [...started([STAGE_PLAYER_ADDRESS]), { address: FLEET_ADDRESS, message: goOn }];
    }
  }
}

/**
 * Wakes residents at once, and whenever the hosts change those that live on this one from then on: nobody else notices that the host they lived on
 * is gone. Returns the end of it.
 */
export function keepResidents(messenger: Messenger, directory: Directory, self: string, residents: readonly Resident[]): () => void {
  const wake = (): void => {
    for (const { address, message } of residents) if (directory.placeOf(address) === self) messenger.tell(address, message);
  };
  wake();
  return directory.watch(wake);
}
