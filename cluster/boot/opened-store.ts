import type { NatsConnection } from "nats";
import {
  CannotDecrypt,
  createTransformer,
  JetStreamLog,
  JetStreamSnapshots,
  LogMissing,
  LogUnavailable,
  type Replica,
  readHighWater,
  recover,
  StoreDamaged,
} from "../../actors/mod.ts";
import { type Clock, type Logger, systemClock } from "../../runtime/mod.ts";
import { BootFailure } from "./failure.ts";
import type { HostOptions } from "./host-protocol.ts";
import { LOG_STREAM } from "./layout.ts";
import { copiesOn } from "./nats-facts.ts";

/** Actors watch from where they are; only clients of the gateway come back with old revisions. */
const ACTORS_HISTORY_REVISIONS = 1_000;

/** Two of three objects in a full cluster are Events, and who plays nodes writes them only. */
const UNREAD_BY_NODES: readonly string[] = ["events"];

/** The store as a host begins with it. */
export interface OpenedStore {
  readonly journal: JetStreamLog;
  readonly snapshots: JetStreamSnapshots;
  /** As of the end of the log when it was opened. */
  readonly replica: Replica;
  /** Whether a part of what lies on the disk had to be done without. */
  readonly damaged: boolean;
}

/** A NATS cluster that was started a moment ago has to find its leaders first, and those have to find what was acknowledged. */
const CLUSTER_PATIENCE_MS = 30_000;
const CLUSTER_RETRY_MS = 500;

/** Opens the log and the snapshots, and reads back what was written. Throws BootFailure: what is lost is named, and nothing is changed. */
export async function openStore(options: HostOptions, connection: NatsConnection, log: Logger): Promise<OpenedStore> {
  const clock = systemClock();
  const patience_ms = copiesOn(connection) > 1 ? CLUSTER_PATIENCE_MS : 0;
  const since_ms = clock.monotonic_ms();
  for (;;) {
    try {
      return await open(options, connection, log, clock);
    } catch (error) {
      const passes = error instanceof LogUnavailable || (error instanceof StoreDamaged && !error.another);
      if (!passes || clock.monotonic_ms() - since_ms >= patience_ms) throw failureOf(error, options.nats);
      log.debug({ error: error.message }, "the store in the NATS cluster cannot be opened yet");
      await new Promise<void>((resolve) => clock.after(CLUSTER_RETRY_MS, resolve));
    }
  }
}

function failureOf(error: unknown, { servers }: HostOptions["nats"]): BootFailure {
  const where = `JetStream at ${servers.join(", ")}`;
  if (error instanceof LogMissing || error instanceof StoreDamaged) {
    const what = error instanceof LogMissing ? "its log is not there any more, though JetStream has files of it" : error.message;
    return new BootFailure(
      `the store in ${where} has lost what was acknowledged: ${what}; nothing was changed; \`troupe restore FILE --data DIR\` makes a cluster of a backup, in another directory, and \`troupe backup FILE --salvage\` a backup of what can still be read (JetStream's own findings are in nats/nats.log)`,
    );
  }
  const { message } = error as Error;
  if (error instanceof CannotDecrypt) {
    return new BootFailure(
      `the store in ${where} cannot be read: ${message}; nothing was changed; start with --encryption-provider-config FILE and in that file the key that was used before, behind the new one if there is a new one`,
    );
  }
  return new BootFailure(
    `cannot open the store in ${where}: ${message}; JetStream must be on and have room, in a NATS cluster on three servers`,
  );
}

async function open(options: HostOptions, connection: NatsConnection, log: Logger, clock: Clock): Promise<OpenedStore> {
  const { mayMakeLog: make, plan, highWaterFile, watchHistoryRevisions } = options;
  const replicas = copiesOn(connection);
  const roles = new Set(plan.roles);
  // Before anything else is asked: it must not be newer than what the log says of itself.
  const mark = readHighWater(highWaterFile);
  if (mark === "damaged")
    log.error({ file: highWaterFile }, "the high-water mark of the store is damaged; the one in JetStream takes its place");
  const journal = await JetStreamLog.open({ connection, clock, stream: LOG_STREAM, replicas, make });
  const snapshots = await JetStreamSnapshots.open({ connection, prefix: LOG_STREAM, replicas });
  const { replica, damages } = await recover({
    log: journal,
    snapshots,
    clock,
    logger: log,
    marks: mark === undefined || mark === "damaged" ? [] : [mark],
    replica: {
      transformer: createTransformer(options.encryption),
      rememberRequests: roles.has("store"),
      ...historyOf(roles.has("gateway"), watchHistoryRevisions),
      without: plan.roles.every((role) => role === "nodes") ? UNREAD_BY_NODES : [],
    },
  });
  for (const damage of damages) log.error({ damage }, "a part of the store is damaged; the rest was enough to read it back whole");
  return { journal, snapshots, replica, damaged: damages.length > 0 };
}

/** How much of the past a host's replica knows: clients' watches go further back than actors' do. */
function historyOf(servesClients: boolean, wanted: number | undefined): { readonly historyRevisions?: number } {
  if (!servesClients) return { historyRevisions: ACTORS_HISTORY_REVISIONS };
  return wanted === undefined ? {} : { historyRevisions: wanted };
}
