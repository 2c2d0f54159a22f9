import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";

const FORWARDED_SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/** How often to look whether the npm that started us still lives. npm that was killed cannot say goodbye. */
const NPM_POLL_MS = 250;

/**
 * Runs the real program in the foreground: it has the terminal, gets the signals, and its exit code is ours. The channel between
 * the two carries nothing; it breaks when this process dies, however it dies, and the program, told by
 * 'disconnect', then stops too.
 *
 * @param {{ node: string, file: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string }} program
 * @returns {Promise<number>} the exit code; 128 + signal number when a signal ended it, as shells say
 */
export function runProgram({ node, file, args, env, cwd }) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [file, ...args], { env, stdio: ["inherit", "inherit", "inherit", "ipc"], ...(cwd ? { cwd } : {}) });
    const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    for (const signal of FORWARDED_SIGNALS) process.on(signal, forward);
    const ancestors = npmAncestors();
    const watch = setInterval(() => {
      if (!ancestors.every(({ pid, parent }) => parentOf(pid) === parent)) child.kill("SIGTERM");
    }, NPM_POLL_MS);
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      clearInterval(watch);
      for (const name of FORWARDED_SIGNALS) process.off(name, forward);
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

/**
 * The processes from here up to the npm that started us, each with the parent it has now. npm runs a script through a shell,
 * which stays in between and outlives a killed npm, so it is not enough to look at our own parent.
 */
function npmAncestors() {
  if (!process.env.npm_lifecycle_event) return [];
  const ancestors = [{ pid: process.pid, parent: process.ppid }];
  const grandparent = parentOf(process.ppid);
  if (grandparent !== undefined && isShell(process.ppid)) ancestors.push({ pid: process.ppid, parent: grandparent });
  return ancestors;
}

/** @param {number} pid @returns {number | undefined} undefined where there is no /proc */
function parentOf(pid) {
  if (pid === process.pid) return process.ppid;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isShell(pid) {
  try {
    return /^(sh|dash|bash|ash|zsh|busybox)$/.test(readFileSync(`/proc/${pid}/comm`, "latin1").trim());
  } catch {
    return false;
  }
}
