import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import {
  type BackupRead,
  type CarriedFile,
  HighWaterFile,
  JetStreamLog,
  JetStreamSnapshots,
  LogMissing,
  packSnapshot,
  Replica,
  readBackup,
  SnapshotDamaged,
} from "../../actors/mod.ts";
import { pinoLogger, systemClock } from "../../runtime/mod.ts";
import { DataDirectory } from "../boot/data-directory.ts";
import { BootFailure } from "../boot/failure.ts";
import { HIGH_WATER_FILE, LOG_STREAM, RESTORING_FILE } from "../boot/layout.ts";
import { copiesOn } from "../boot/nats-facts.ts";
import { credentialsOf } from "../boot/up.ts";
import { showProgress } from "../command-line/progress.ts";
import type { BackupFlags } from "./flags.ts";
import { removeStore } from "./replaced-store.ts";
import { connectTo, ownServer, type StoreConnection } from "./store-connection.ts";

/**
 * The restored store goes on so many revisions later than the backup. Clients of the cluster that was may hold revisions beyond the backup's; a revision
 * must never be given out twice for different states, so all of those expire (410) and clients list anew.
 */
const REVISIONS_SKIPPED = 1_000_000;
/** What may come out of a backup: names without a way up. */
const FILE_NAME = /^pki\/[\w-]+\.pem$/;

/** What `troupe restore -o json` prints. */
interface Restored {
  readonly data: string;
  /** NATS servers that hold it; undefined: its own. */
  readonly nats: readonly string[] | undefined;
  /** Of the backup. */
  readonly revision: number;
  readonly objects: number;
  /** The store goes on after this revision. */
  readonly continuesAfter: number;
}

/**
 * Makes a cluster of a backup, in a data directory that has none (and, with --nats, on servers that have none): a restore never overwrites a cluster that
 * runs, and one on NATS servers that does not only when it is told to. Everything is checked before anything is made. Throws BootFailure.
 */
export async function runRestore(flags: BackupFlags): Promise<Restored> {
  let doing = "reading the backup";
  const hide = showProgress(() => doing);
  return restore(flags, (what) => {
    doing = what;
  }).finally(hide);
}

async function restore(flags: BackupFlags, told: (what: string) => void): Promise<Restored> {
  const logger = pinoLogger({ level: "warn" });
  const replica = new Replica({ clock: systemClock(), log: logger, rememberRequests: false });
  const backup = await readBackup(flags.file, replica).catch((error: NodeJS.ErrnoException) => {
    throw new BootFailure(
      error instanceof SnapshotDamaged
        ? `${error.message}; take another backup`
        : `cannot read the backup ${flags.file} (${error.code ?? error.message})`,
    );
  });
  const running = DataDirectory.holder(flags.data);
  if (running !== undefined) throw isCluster(flags.data, `, run by a Troupe with pid ${running}`);
  if (existsSync(flags.data) && readdirSync(flags.data).length > 0) throw isCluster(flags.data, "");
  const data = await DataDirectory.open(flags.data);
  // Before nats-server makes anything: from now on, whatever lies here is half a cluster, and no start takes it for a new one.
  data.write(RESTORING_FILE, `${flags.file}\n`);
  const opening = flags.nats === undefined ? ownServer(data) : connectTo(credentialsOf(flags.nats), async () => data.close());
  const store = await opening.catch((error: unknown) => {
    // Servers that are not there have made nothing.
    if (flags.nats !== undefined) data.remove(RESTORING_FILE);
    throw error;
  });
  try {
    told(`writing the store: ${backup.summary.objects} objects`);
    for (const file of backup.files) writeFile(data, file);
    const revision = await fill(store, replica, backup, data.file(HIGH_WATER_FILE), flags.replace);
    data.remove(RESTORING_FILE);
    return {
      data: flags.data,
      nats: flags.nats,
      revision: backup.summary.revision,
      objects: backup.summary.objects,
      continuesAfter: revision,
    };
  } catch (error) {
    if (error instanceof BootFailure) throw error;
    throw new BootFailure(
      `cannot restore into JetStream at ${store.where}: ${(error as Error).message}; remove ${flags.data} and try again`,
    );
  } finally {
    await store.close();
  }
}

function isCluster(data: string, by: string): BootFailure {
  return new BootFailure(
    `${data} is not empty${by}; a restore makes a new cluster and never overwrites one: choose another directory with --data DIR, start that, and stop this one`,
  );
}

/** Writes the store; gives the revision after which it goes on. */
async function fill(store: StoreConnection, replica: Replica, backup: BackupRead, markFile: string, replace: boolean): Promise<number> {
  const { connection, where } = store;
  const replicas = copiesOn(connection);
  const options = { connection, clock: systemClock(), stream: LOG_STREAM, replicas };
  const there = await JetStreamLog.open({ ...options, make: false }).catch((error: unknown) => {
    if (error instanceof LogMissing) return undefined;
    throw error;
  });
  const snapshots = await JetStreamSnapshots.open({ connection, prefix: LOG_STREAM, replicas });
  if (there !== undefined || (await snapshots.list()).length > 0) {
    if (!replace)
      throw new BootFailure(
        `JetStream at ${where} holds a cluster already, which a restore does not overwrite: name NATS servers that have none, or give --replace if what is there is to go for ever`,
      );
    await removeStore(connection, where);
  }
  const log = await JetStreamLog.open(options);
  const revision = backup.summary.revision + REVISIONS_SKIPPED;
  // The marks first: until the snapshot is whole, the store falls short of them, and no start takes it for an empty cluster.
  await snapshots.setHighWater({ log: log.id, sequence: 0, revision });
  const mark = new HighWaterFile(markFile, log.id);
  mark.note(0, revision);
  await mark.sync();
  mark.close();
  const { entries } = await replica.capture(async () => {});
  // Whether a request of before was applied is not known here: it is older than all that is remembered.
  const requests = Object.assign([], { since: revision });
  await snapshots.store(0, packSnapshot({ sequence: 0, revision, entries, requests }, { log: log.id, frameBytesMax: log.batchBytesMax }));
  return revision;
}

function writeFile(data: DataDirectory, { name, content }: CarriedFile): void {
  if (!FILE_NAME.test(name)) throw new BootFailure(`the backup has a file ${JSON.stringify(name)}, which is none of a cluster's`);
  mkdirSync(dirname(data.file(name)), { recursive: true, mode: 0o700 });
  data.write(name, content.toString());
}
