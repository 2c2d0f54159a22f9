import type { VolumeDirectories } from "../../actors/controllers/volumes/volume-directories.ts";
import {
  createHollowRuntime,
  createHollowUsage,
  createRegistry,
  createStoreClient,
  FLEET_ADDRESS,
  type FleetMessage,
  type Follower,
  fates,
  follow,
  followDefinitions,
  KindTable,
  placeHere,
  type Registry,
  type Replica,
  recover,
  ShardKeeper,
  Stages,
  type StoreClient,
  WRITER_ADDRESS,
} from "../../actors/mod.ts";
import { DEFAULT_SERVICE_CIDR } from "../../actors/registry/service-range.ts";
import type { ActorKind, Logger, Message } from "../../runtime/mod.ts";
import type { Seat } from "../../runtime/simulator/mod.ts";
import { ensureDefaultRoles } from "../access/authorization/reconcile-roles.ts";
import { HTTPS_PORT } from "../boot/api-service-port.ts";
import { ensureBootstrapObjects, keepBootstrapObjects } from "../boot/bootstrap-objects.ts";
import { controllerActors } from "../boot/controllers-role.ts";
import { type Ground, recorderFor } from "../boot/ground.ts";
import { KINDS_OF_ROLE, type Role } from "../boot/layout.ts";
import { nodeActors, stageActors } from "../boot/nodes-role.ts";
import { keepResidents, residentsOf } from "../boot/residents.ts";
import { schedulerActors } from "../boot/scheduler-role.ts";
import { definitionsActors, storeActors } from "../boot/store-role.ts";
import type { App } from "./estate.ts";
import { loadOf } from "./load.ts";
import type { NodeNetwork } from "./node-network.ts";
import type { RunningPods } from "./running-pods.ts";
import { SeatedLog } from "./seated-log.ts";
import { SeatedSnapshots } from "./seated-snapshots.ts";
import type { SharedStore } from "./shared-store.ts";

/** Nobody here speaks TLS. */
const FACTS = {
  ca: "simulated",
  frontProxyCa: "simulated",
  metricsOfNodes: false,
  serviceRange: DEFAULT_SERVICE_CIDR,
  apiPort: HTTPS_PORT,
  dns: false,
  ingress: false,
  localVolumes: true,
};
/** Kinds that a simulated host does not have: nothing of what it would check can rot, and there are no sockets. */
const LEFT_OUT: ReadonlySet<string> = new Set(["scrubber", "pod-network", "service-proxy", "dns", "ingress"]);
const HISTORY_REVISIONS = 1_000;
/** A snapshot takes as much real time as a thousand writes, and a day has many of both. */
const SNAPSHOT_REVISIONS = 50_000;
/** Once a second would be a quarter of a million looks a day, six steps each; it is due once in an hour and a half. */
const SNAPSHOT_LOOK_MS = 15_000;
/** Twice a second would be 500,000 questions a day. */
const KEEPER_LOOK_MS = 5_000;
/** More often than by default costs a day of 100 nodes several seconds of a processor. */
const AUTOSCALER_PERIOD_MS = 60_000;
/** What lies in volumes nobody here asks. */
const NO_DIRECTORIES: VolumeDirectories = {
  pathOf: (volume) => `/volumes/${volume}`,
  make: async () => undefined,
  remove: async () => undefined,
  removeOther: async () => undefined,
};
const NODES_DEADLINE_MS = 120_000;
const RETRY_MS = 1_000;

/** What all hosts of a simulated cluster share. */
export interface ClusterParts {
  readonly store: SharedStore;
  readonly nodes: number;
  readonly apps: readonly App[];
  readonly network: NodeNetwork;
  readonly running: RunningPods;
  readonly log: (seat: Seat) => Logger;
}

/** The kinds of actors that a simulated host with these roles offers. */
export function kindsOffered(roles: readonly Role[]): readonly string[] {
  return roles.flatMap((role) => KINDS_OF_ROLE[role]).filter((kind) => !LEFT_OUT.has(kind));
}

/** One host of a simulated cluster in one of its lives: what boot/host.ts is to a real one, of the same parts. */
export class ClusterHost {
  readonly seat: Seat;
  readonly view: Replica;
  readonly #parts: ClusterParts;
  readonly #roles: readonly Role[];
  readonly #follower: Follower;
  readonly #log: SeatedLog;
  readonly #kinds = new KindTable();
  #ground: Ground | undefined;

  private constructor(seat: Seat, parts: ClusterParts, roles: readonly Role[], log: SeatedLog, replica: Replica, follower: Follower) {
    this.seat = seat;
    this.#parts = parts;
    this.#roles = roles;
    this.#log = log;
    this.view = replica;
    this.#follower = follower;
  }

  /** Reads the store to its end. */
  static async open(seat: Seat, parts: ClusterParts, roles: readonly Role[]): Promise<ClusterHost> {
    const { clock } = seat;
    const log = new SeatedLog(parts.store, seat);
    const logger = parts.log(seat);
    const rememberRequests = roles.includes("store");
    const { replica } = await recover({
      log,
      snapshots: new SeatedSnapshots(parts.store, seat),
      clock,
      logger,
      replica: { rememberRequests, historyRevisions: HISTORY_REVISIONS, readBatch: parts.store.readBatch },
    });
    const follower = follow({ log, replica, clock, logger, besideWriter: rememberRequests });
    await follower.ready;
    return new ClusterHost(seat, parts, roles, log, replica, follower);
  }

  get registry(): Registry {
    if (this.#ground === undefined) throw new Error("the host has no actors yet");
    return this.#ground.registry;
  }

  kinds(): readonly ActorKind<Message>[] {
    const { seat, view } = this;
    const { clock, random, messenger } = seat;
    const store: StoreClient = createStoreClient({ messenger, clock, random, address: WRITER_ADDRESS, view });
    const registry = createRegistry({ view, store, clock, random, kinds: this.#kinds });
    const ground: Ground = { view, store, registry, kinds: this.#kinds, clock, random };
    this.#ground = ground;
    return this.#roles.flatMap((role) => this.#kindsOf(role, ground)).filter(({ kind }) => !LEFT_OUT.has(kind));
  }

  #kindsOf(role: Role, ground: Ground): readonly ActorKind<Message>[] {
    const { seat, view } = this;
    const { clock, random } = seat;
    switch (role) {
      case "gateway":
        return [];
      case "store": {
        const snapshots = new SeatedSnapshots(this.#parts.store, seat);
        // A mark in a file would say what the one beside the log says: nothing is lost here.
        const highWater = { note: () => undefined, sync: async () => undefined, close: () => undefined };
        const own = { snapshotRevisions: SNAPSHOT_REVISIONS, snapshotLook_ms: SNAPSHOT_LOOK_MS, compress: false };
        return [...storeActors({ journal: this.#log, snapshots, replica: view, highWater, ...own }).kinds, ...definitionsActors(ground)];
      }
      case "scheduler":
        return schedulerActors(ground, { shards: 1, pool: placeHere() });
      case "controllers":
        return controllerActors(ground, {
          caCertificate: FACTS.ca,
          volumeDirectories: NO_DIRECTORIES,
          autoscalerPeriod_ms: AUTOSCALER_PERIOD_MS,
          metrics: loadOf(this.#parts.apps, view, clock),
        });
      case "nodes": {
        const fate = fates(0);
        const registry = this.#parts.network.registryOf(ground.registry, view);
        const own: Ground = { ...ground, registry };
        const runtime = this.#parts.running.observed(createHollowRuntime(clock, random, { fate }), seat);
        const usageOf = createHollowUsage(view, () => random.next());
        const log = this.#parts.log(seat);
        const recorder = recorderFor(own, "kubelet");
        const kinds = this.#kinds;
        const stages = new Stages({ view, registry, recorder, fate, clock, kinds, log, documents: [], version: "simulated" });
        return [...nodeActors(own, { runtime, fate, usageOf, stages }), ...stageActors(stages)];
      }
    }
  }

  /** Takes up the roles. Ends with the host. */
  async begin(): Promise<void> {
    const { seat, view, registry } = this;
    const { messenger, directory, clock } = seat;
    this.#follower.done.catch((error: unknown) => seat.giveUp(`it can no longer follow the log: ${error}`));
    followDefinitions(view, this.#kinds);
    await this.#surely(async () => {
      await ensureBootstrapObjects(registry, view, FACTS, clock);
      await ensureDefaultRoles(registry, view);
    });
    keepBootstrapObjects(registry, view, FACTS, clock, this.#parts.log(seat));
    for (const role of this.#roles)
      keepResidents(
        messenger,
        directory,
        seat.host,
        residentsOf(role).filter(({ address }) => !LEFT_OUT.has(address.split("/")[0] ?? "")),
      );
    if (this.#roles.includes("scheduler"))
      new ShardKeeper({ messenger, clock, log: this.#parts.log(seat), shards: 1, look_ms: KEEPER_LOOK_MS }).begin();
    if (!this.#roles.includes("nodes") || view.count("nodes") >= this.#parts.nodes) return;
    const start: FleetMessage = { type: "start", nodes: this.#parts.nodes };
    await this.#surely(() => messenger.ask(FLEET_ADDRESS, start, { deadline_ms: NODES_DEADLINE_MS }));
  }

  async #surely(work: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await work();
        return;
      } catch (error) {
        this.#parts.log(this.seat).info({ error: String(error) }, "the start of a host does not go on yet");
        await new Promise<void>((resolve) => this.seat.clock.after(RETRY_MS, resolve));
      }
    }
  }
}
