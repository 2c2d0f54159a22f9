import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type CarriedFile, JetStreamLog, JetStreamSnapshots, LogMissing, recover, StoreDamaged, writeBackup } from "../../actors/mod.ts";
import { pinoLogger, systemClock } from "../../runtime/mod.ts";
import { BootFailure } from "../boot/failure.ts";
import { LOG_STREAM } from "../boot/layout.ts";
import { showProgress } from "../command-line/progress.ts";
import { bytesText } from "../command-line/quantity-text.ts";
import type { BackupFlags } from "./flags.ts";
import { connectToStore } from "./store-connection.ts";

/** What `troupe backup -o json` prints. */
interface BackupMade {
  readonly file: string;
  readonly revision: number;
  readonly objects: number;
  readonly bytes: number;
  /** What of the store was damaged, and not needed or left out. */
  readonly damages: readonly string[];
}

/**
 * Writes the whole cluster, as of a moment after this began, to one file: all objects, and the keys of its certificate authority. It reads the store as any
 * host does, in a process of its own, so a cluster that runs goes on as if nothing were. Throws BootFailure.
 */
export async function runBackup(flags: BackupFlags): Promise<BackupMade> {
  if (existsSync(flags.file)) throw new BootFailure(`${flags.file} is there already; name a file that is not`);
  let doing = "reaching the store";
  const hide = showProgress(() => doing);
  const store = await connectToStore(flags).catch((error: unknown) => {
    hide();
    throw error;
  });
  try {
    doing = flags.salvage ? "reading what can be read of the store" : "reading the store";
    const clock = systemClock();
    const log = await JetStreamLog.open({ connection: store.connection, clock, stream: LOG_STREAM, make: false });
    const snapshots = await JetStreamSnapshots.open({ connection: store.connection, prefix: LOG_STREAM });
    const { replica, damages } = await recover({
      log,
      snapshots,
      clock,
      logger: pinoLogger({ level: "warn" }),
      salvage: flags.salvage,
      // Nobody asks a backup for the past: the newest snapshot is the shortest way.
      replica: { historyRevisions: 0 },
    });
    const capture = await replica.capture(async () => {});
    const { summary, bytes } = await writeBackup(flags.file, log.id, capture, filesOf(flags.data), (written) => {
      doing = `writing the backup: ${bytesText(written)}`;
    });
    return { file: flags.file, revision: summary.revision, objects: summary.objects, bytes, damages };
  } catch (error) {
    throw failureOf(error, flags.file, store.where);
  } finally {
    hide();
    await store.close();
  }
}

function failureOf(error: unknown, file: string, where: string): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof LogMissing) return new BootFailure(`there is no cluster in JetStream at ${where}`);
  if (error instanceof StoreDamaged) {
    return new BootFailure(`the store has lost what was acknowledged: ${error.message}; --salvage takes what can still be read`);
  }
  if ("code" in error && typeof error.code === "string") return new BootFailure(`cannot write ${file} (${error.code})`);
  return new BootFailure(`cannot back up: ${error.message}`);
}

/** The certificate authority and what it issued. A cluster elsewhere on these NATS servers has its own directory; then there are none here. */
function filesOf(data: string): readonly CarriedFile[] {
  const directory = join(data, "pki");
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory).filter((name) => name.endsWith(".pem") && statSync(join(directory, name)).isFile());
  return names.map((name) => ({ name: `pki/${name}`, content: readFileSync(join(directory, name)) }));
}
