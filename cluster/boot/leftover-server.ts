import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A server that does not go when asked is killed after this. */
const PATIENCE_MS = 5_000;
const POLL_MS = 10;

/**
 * Ends every nats-server that an earlier life on this data directory left behind, and waits until they are gone: two on the same files would
 * destroy them. Known by the configuration on its command line. Where there is no /proc, only the one that wrote `pidFile` is seen.
 */
export async function endLeftoverServers(config: string, pidFile: string): Promise<void> {
  const deadline_ms = performance.now() + PATIENCE_MS;
  const asked = new Set<number>();
  for (;;) {
    const left = serversWith(config, pidFile);
    if (left.length === 0) return;
    for (const pid of left) {
      if (performance.now() > deadline_ms) signal(pid, "SIGKILL");
      else if (!asked.has(pid)) signal(pid, "SIGTERM");
      asked.add(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function serversWith(config: string, pidFile: string): readonly number[] {
  return candidates(pidFile).filter((pid) => commandLineOf(pid).join(" ").endsWith(` -c ${config}`));
}

function candidates(pidFile: string): readonly number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    // No /proc.
  }
  try {
    const pid = Number.parseInt(readFileSync(pidFile, "utf8"), 10);
    return pid > 1 ? [pid] : [];
  } catch {
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone in between.
  }
}

function commandLineOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8")
      .split("\0")
      .filter((word) => word !== "");
  } catch {
    if (process.platform === "linux") return [];
  }
  try {
    const printed = execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return [printed.trim()];
  } catch {
    return [];
  }
}
