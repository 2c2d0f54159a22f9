import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Every process of a test run has this in its environment, whatever becomes of its parents. */
export const RUN_MARKER = "TROUPE_TEST_RUN";

/** What a test told to stop as its last act may need this long to be gone. */
const GRACE_MS = 3_000;
const POLL_MS = 100;

/**
 * Finds the processes that a test run left behind and ends them. Where there is no /proc (macOS) it sees none.
 *
 * @param {string} run the value of the marker
 * @returns {Promise<Array<{ pid: number, command: string }>>} those that were still there after a moment of grace
 */
export async function endSurvivors(run) {
  const deadline_ms = performance.now() + GRACE_MS;
  let survivors = processesOf(run);
  while (survivors.length > 0 && performance.now() < deadline_ms) {
    await delay(POLL_MS);
    survivors = processesOf(run);
  }
  for (const { pid } of survivors) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone in between.
    }
  }
  return survivors;
}

/** @param {string} run */
function processesOf(run) {
  const found = [];
  for (const pid of listProcesses()) {
    if (Number(pid) === process.pid) continue;
    try {
      if (!readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(`${RUN_MARKER}=${run}`)) continue;
      found.push({ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim() });
    } catch {
      // Ended while we looked, or another user's.
    }
  }
  return found;
}

function listProcesses() {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
