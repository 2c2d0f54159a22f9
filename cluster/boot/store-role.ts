import type { ServiceCIDR } from "../../actors/kinds/generated/types.ts";
import {
  AppendGate,
  type CuttableLog,
  createDefinitionsKind,
  HighWaterFile,
  type HighWaterKeeper,
  type Replica,
  type Snapshots,
  StoreCondition,
  scrubberKind,
  snapshotterKind,
  writerKind,
} from "../../actors/mod.ts";
import { API_ADDRESS_NUMBER, addressInRange } from "../../actors/registry/service-range.ts";
import type { ActorKind, Message } from "../../runtime/mod.ts";
import { ensureDefaultRoles } from "../access/authorization/reconcile-roles.ts";
import { apiServicePort, HTTPS_PORT } from "./api-service-port.ts";
import { type BootstrapFacts, ensureBootstrapObjects, keepBootstrapObjects } from "./bootstrap-objects.ts";
import { BootFailure } from "./failure.ts";
import { anyKinds, type Ground, recorderFor } from "./ground.ts";
import { playsNodes } from "./nodes-to-play.ts";
import type { OpenedStore } from "./opened-store.ts";
import { residentsOf } from "./residents.ts";
import type { RoleContext } from "./role-context.ts";

/** Brings the actors that write the log and look after it: others may write from the moment on that this host is a member. */
export function offerStore(context: RoleContext, { journal, snapshots, replica }: OpenedStore): StoreCondition {
  const { highWaterFile, snapshotRevisions } = context.options;
  const highWater = new HighWaterFile(highWaterFile, journal.id);
  const store = storeActors({ journal, snapshots, replica, highWater, highWaterFile, snapshotRevisions });
  context.atStop(store.close);
  context.offer(store.kinds);
  context.offer(definitionsActors(context.ground));
  return store.condition;
}

/** Makes sure of the objects that every cluster has. Throws BootFailure. */
export async function beginStore(context: RoleContext): Promise<void> {
  const { options, log, ground } = context;
  const { registry, view, clock } = ground;
  context.keep(residentsOf("store"));
  const { ca, services, runtime } = options;
  const facts: BootstrapFacts = {
    ca,
    frontProxyCa: context.control().frontProxy.ca,
    metricsOfNodes: playsNodes(options),
    serviceRange: services.range,
    apiPort: services.proxy !== undefined ? await apiServicePort(addressInRange(services.range, API_ADDRESS_NUMBER)) : HTTPS_PORT,
    dns: services.dns,
    ingress: services.ingressAddress !== undefined,
    localVolumes: runtime.name !== "hollow",
  };
  checkServiceRange(view, services.range);
  await ensureBootstrapObjects(registry, view, facts, clock);
  // A webhook that refuses to have a default mended is no reason not to start.
  await ensureDefaultRoles(registry, view).catch((error: unknown) =>
    log.warn({ error: String(error) }, "not all default roles could be made sure of; those stay as they are"),
  );
  const keeping = keepBootstrapObjects(registry, view, facts, clock, log);
  context.atStop(async () => keeping.cancel());
}

/** Services keep the addresses that they have, so the range stays what it was. Throws BootFailure. */
function checkServiceRange(view: Replica, range: string): void {
  const [before] = view.get<ServiceCIDR>("servicecidrs.networking.k8s.io/kubernetes")?.spec?.cidrs ?? [];
  if (before === undefined || before === range) return;
  throw new BootFailure(
    `the services of this data directory have their addresses out of ${before}, and now they should be of ${range}; say --service-cluster-ip-range ${before}, or take another data directory`,
  );
}

export interface StoreRole {
  readonly journal: CuttableLog;
  readonly snapshots: Snapshots;
  readonly replica: Replica;
  /** The mark of what was acknowledged, beside the log. */
  readonly highWater: HighWaterKeeper;
  /** The file of the mark, where it is one. */
  readonly highWaterFile?: string;
  /** A snapshot after so many revisions; the store's own rule by default. */
  readonly snapshotRevisions?: number | undefined;
  /** So often it is looked at whether there is to be one; the store's own rule by default. */
  readonly snapshotLook_ms?: number;
  /** Whether what is stored is compressed; snapshots are by real threads. Default true. */
  readonly compress?: boolean;
}

export interface StoreActors {
  /** The actors that write the log, take snapshots and check what lies on the disks. */
  readonly kinds: readonly ActorKind<Message>[];
  /** What the parts of the store find out about it, for the metrics. */
  readonly condition: StoreCondition;
  /** Writes the marks down; call it when the actors have ended. */
  readonly close: () => Promise<void>;
}

/** The store's actors, with what they share. */
export function storeActors({ journal, snapshots, replica, highWater, ...more }: StoreRole): StoreActors {
  const condition = new StoreCondition();
  const gate = new AppendGate();
  const noteHighWater = (sequence: number, revision: number): void => highWater.note(sequence, revision);
  const { highWaterFile: markFile, snapshotRevisions: everyRevisions, snapshotLook_ms: look_ms, compress = true } = more;
  const kinds = anyKinds(
    writerKind({
      log: journal,
      replica,
      noteHighWater,
      condition,
      gate,
      ...(compress ? {} : { compressBytesMin: Number.POSITIVE_INFINITY }),
    }),
    snapshotterKind({
      log: journal,
      snapshots,
      replica,
      highWater,
      gate,
      condition,
      compress,
      ...(everyRevisions === undefined ? {} : { everyRevisions }),
      ...(look_ms === undefined ? {} : { look_ms }),
    }),
    scrubberKind({ log: journal, snapshots, replica, condition, ...(markFile === undefined ? {} : { markFile }) }),
  );
  const close = async (): Promise<void> => {
    const { sequence, revision } = replica;
    // A stop is not to fail because JetStream does not answer; the file has the mark too.
    await snapshots.setHighWater({ log: journal.id, sequence, revision }).catch(() => {});
    await highWater.sync().catch(() => {});
    highWater.close();
  };
  return { kinds, condition, close };
}

/** Those that bring custom resources and APIServices into force. */
export function definitionsActors(ground: Ground): readonly ActorKind<Message>[] {
  const { view, registry } = ground;
  return anyKinds(createDefinitionsKind({ view, registry, recorderFor: (component) => recorderFor(ground, component) }));
}
