#!/usr/bin/env node
/**
 * The launcher: plain JavaScript that any Node from 20 on runs, in a fresh clone and in a package. It sets up what is missing (dependencies of a clone, a
 * newer Node, nats-server), once and quietly, then hands over to the program. With nothing to do it reads a few small files.
 *
 *   node cluster/troupe.mjs up [flags]       a cluster          (npm start -- [flags])
 *   node cluster/troupe.mjs test [filters]   all checks, tests  (npm test)
 *   node cluster/troupe.mjs check            the checks alone   (npm run check)
 *   node cluster/troupe.mjs bench SUITE      measurements       (npm run bench -- SUITE)
 *   node cluster/troupe.mjs fuzz [flags]     strange requests  (npm run fuzz -- [flags])
 *   node cluster/troupe.mjs dist             the program of a package, in dist/ (npm pack)
 *   node cluster/troupe.mjs COMMAND [flags]  all others         (npm run troupe -- COMMAND [flags]; docs/command-line.md)
 *
 * In a package all commands are the program's (npx troupe COMMAND [flags]).
 *
 * Exit codes: 0 done, 1 failed, 2 wrong usage.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDirectory } from "./setup/cache-directory.mjs";
import { findNatsServer } from "./setup/nats-server.mjs";
import { newerNode } from "./setup/newer-node.mjs";
import { Problem } from "./setup/problem.mjs";
import { runProgram } from "./setup/program.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = join(ROOT, "cluster", "main.ts");
/** Else this is a package: its program lies in dist/, and npm has installed the dependencies. */
const IS_CLONE = existsSync(SOURCES);
const PROGRAM = IS_CLONE ? SOURCES : join(ROOT, "dist", "cluster", "main.js");
/** Commands that may start a nats-server. */
const STARTS_NATS_SERVER = new Set(["up", "init", "backup", "restore"]);
const DISTRIBUTION = join(ROOT, "cluster", "setup", "distribution.mjs");
const FUZZER = join(ROOT, "test", "cluster", "gateway", "fuzz", "run.ts");

/** @param {readonly string[]} argv @returns {Promise<number>} */
async function launch([command, ...args]) {
  if (IS_CLONE) {
    const { installDependencies } = await import("./setup/dependencies.mjs");
    await installDependencies(ROOT);
  }
  const node = await newerNode(ROOT);
  const env = {
    ...process.env,
    NODE_COMPILE_CACHE: IS_CLONE ? join(ROOT, "node_modules", ".cache", "node-compile") : cacheDirectory(ROOT, "node-compile"),
    TROUPE_STARTED_MS: String(performance.timeOrigin),
  };
  const development = IS_CLONE ? await forDevelopers(command, { node, env, args }) : undefined;
  if (development !== undefined) return development;
  switch (command) {
    case "bench": {
      // A driver of somebody else's cluster needs no nats-server, so having none is the suite's to complain about.
      const equipped = await withNatsServer(env).catch(() => env);
      return runProgram({
        node,
        file: PROGRAM,
        args: ["bench", ...args],
        env: args[0] === "store" ? await withEtcdServer(equipped) : equipped,
      });
    }
    default:
      return runProgram({
        node,
        file: PROGRAM,
        args: command === undefined ? [] : [command, ...args],
        env: STARTS_NATS_SERVER.has(command ?? "") ? await withNatsServer(env) : env,
      });
  }
}

/**
 * What only those do who work on Troupe: undefined for any other command.
 *
 * @param {string | undefined} command
 * @param {{ node: string, env: NodeJS.ProcessEnv, args: readonly string[] }} equipment
 * @returns {Promise<number | undefined>}
 */
async function forDevelopers(command, { node, env, args }) {
  switch (command) {
    case "check": {
      const { runChecks } = await import("./setup/verify.mjs");
      return (await runChecks({ root: ROOT, node, env })).failed.length === 0 ? 0 : 1;
    }
    case "test": {
      const { runTests } = await import("./setup/verify.mjs");
      return runTests({ root: ROOT, node, env: await withEtcdServer(await withNatsServer(env)), args });
    }
    case "fuzz":
      return runProgram({ node, file: FUZZER, args, env });
    case "dist":
      return runProgram({ node, file: DISTRIBUTION, args, env: { ...env, NODE_OPTIONS: "--disable-warning=ExperimentalWarning" } });
    default:
      return undefined;
  }
}

/** @param {NodeJS.ProcessEnv} env */
async function withNatsServer(env) {
  const { path, version } = await findNatsServer(ROOT);
  return { ...env, NATS_SERVER: path, NATS_SERVER_VERSION: version };
}

/** With $ETCD_SERVER, when one can be had. @param {NodeJS.ProcessEnv} env */
async function withEtcdServer(env) {
  const { findEtcdServer } = await import("./setup/etcd-server.mjs");
  const path = await findEtcdServer(ROOT);
  return path === undefined ? env : { ...env, ETCD_SERVER: path };
}

try {
  process.exitCode = await launch(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  if (error.detail) process.stderr.write(`${error.detail.trimEnd()}\n`);
  process.stderr.write(`troupe: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
