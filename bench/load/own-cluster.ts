import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type ApiAccess, readKubeconfig } from "../driver/kubeconfig.ts";
import { BenchFailure } from "../failure.ts";

const PROGRAM = fileURLToPath(new URL("../../cluster/main.ts", import.meta.url));
const READY_LINE = /^ready in (\d+) ms/;
/** A data directory of 150,000 pods is drained in a few seconds. */
const STOP_MS = 30_000;

/** A Troupe in processes of its own, with a data directory of its own. */
export interface OwnCluster {
  readonly pid: number;
  readonly access: ApiAccess;
  /** From the start of its process to all of its nodes Ready. */
  readonly ready_ms: number;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** Boots one with so many hollow nodes. Throws BenchFailure with what it said when it does not come up. */
export async function startCluster(nodes: number, more: readonly string[] = []): Promise<OwnCluster> {
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"));
  const data = join(folder, "data");
  const flags = ["up", "--data", data, "--api-port", "0", "--nodes", String(nodes), ...more];
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM, ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  const stop = async (): Promise<void> => {
    await ended(child);
    rmSync(folder, { recursive: true, force: true });
  };
  // Whoever gives up before it is up is not to leave it behind.
  const end = (): void => void child.kill("SIGTERM");
  process.once("SIGINT", end).once("SIGTERM", end);
  try {
    const ready_ms = await untilReady(child);
    return { pid: child.pid ?? 0, access: readKubeconfig(join(data, "kubeconfig")), ready_ms, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}

async function untilReady(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error("the child was started with its standard output piped");
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = READY_LINE.exec(line);
    if (ready !== null) {
      child.stdout.resume();
      return Number(ready[1]);
    }
  }
  throw new BenchFailure("the cluster ended before it was ready; what it said stands above");
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.once("exit", () => {
      clearTimeout(late);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
