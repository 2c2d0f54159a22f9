import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CHECKS } from "./checks.mjs";
import { endSurvivors, RUN_MARKER } from "./survivors.mjs";

const CHECKS_AT_ONCE = 2;

/** @typedef {{ root: string, node: string, env: NodeJS.ProcessEnv }} Workplace */

/**
 * Runs every check, two at a time, and prints a line for each; what a failed one said is printed with it.
 *
 * @param {Workplace} workplace
 * @returns {Promise<{ passed: string[], failed: string[] }>}
 */
export async function runChecks(workplace) {
  /** @type {{ passed: string[], failed: string[] }} */
  const verdict = { passed: [], failed: [] };
  const queue = [...CHECKS];
  const worker = async () => {
    for (let check = queue.shift(); check; check = queue.shift()) {
      const started_ms = performance.now();
      const { ok, output } = await check.run(workplace);
      const seconds = ((performance.now() - started_ms) / 1000).toFixed(1);
      process.stdout.write(`${ok ? "ok    " : "FAILED"} ${check.name} (${seconds} s)\n${ok ? "" : output}`);
      (ok ? verdict.passed : verdict.failed).push(check.name);
    }
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, worker));
  return verdict;
}

/**
 * All that CI runs: the checks, then vitest, then a look for processes that the tests left behind. Each check counts as a test, and so
 * does leaving nothing behind; the last line printed is the count.
 *
 * @param {Workplace & { args: readonly string[] }} request `args` go to vitest: a path narrows the run to its tests
 * @returns {Promise<number>} the exit code
 */
export async function runTests({ root, node, env, args }) {
  const checks = await runChecks({ root, node, env });
  const run = randomUUID();
  const tests = await runVitest({ root, node, env: { ...env, [RUN_MARKER]: run }, args });
  const survivors = await endSurvivors(run);
  for (const survivor of survivors) process.stdout.write(`FAILED left behind by the tests: process ${survivor.pid}: ${survivor.command}\n`);

  const passed = checks.passed.length + tests.passed + (survivors.length === 0 ? 1 : 0);
  const failed = checks.failed.length + tests.failed + (survivors.length === 0 ? 0 : 1);
  process.stdout.write(`${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ""}\n`);
  return failed === 0 ? 0 : 1;
}

/** @param {Workplace & { args: readonly string[] }} request */
async function runVitest({ root, node, env, args }) {
  const cache = join(root, "node_modules", ".cache", "troupe");
  mkdirSync(cache, { recursive: true });
  const report = join(cache, `vitest-${process.pid}.json`);
  const code = await inForeground(
    node,
    [join(root, "node_modules/vitest/vitest.mjs"), "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...args],
    { cwd: root, env },
  );
  try {
    if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
    const { numPassedTests: passed, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(report, "utf8"));
    // A file that does not load, or an error outside any test, fails the run without failing a test.
    const failed = numFailedTests === 0 && code !== 0 ? 1 : numFailedTests;
    return { passed, failed, skipped: numPendingTests + numTodoTests };
  } finally {
    rmSync(report, { force: true });
  }
}

/**
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>}
 */
function inForeground(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ["ignore", "inherit", "inherit"] });
    const stop = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    process.on("SIGINT", stop).on("SIGTERM", stop);
    child.on("error", reject);
    child.on("exit", (code) => {
      process.off("SIGINT", stop).off("SIGTERM", stop);
      resolve(code ?? 1);
    });
  });
}
