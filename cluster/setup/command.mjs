import { spawn } from "node:child_process";

/**
 * Runs a program to its end, silently, and gives what it printed (both streams, as they came).
 * A program that cannot be started counts as one that failed, with the reason as its output.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function capture(file, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const collect = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ ok: false, output: `${output}${error.message}\n` }));
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}

/**
 * Runs npm: the one that started this process, if one did, else the one on PATH.
 *
 * @param {readonly string[]} args
 * @param {{ cwd: string }} options
 */
export function npm(args, options) {
  const script = process.env.npm_execpath;
  return script?.endsWith(".js") ? capture(process.execPath, [script, ...args], options) : capture("npm", args, options);
}

/** @param {string} line progress that is not an answer, so it goes to standard error */
export function progress(line) {
  process.stderr.write(`troupe: ${line}\n`);
}
