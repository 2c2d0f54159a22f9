import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { cacheDirectory } from "./cache-directory.mjs";
import { capture } from "./command.mjs";
import { readJson, writeJson } from "./json-file.mjs";
import { Problem } from "./problem.mjs";

/** From this version on `sync_interval: always` writes an acknowledged message through to the disk. */
const VERSION_WANTED = "2.10.0";

/** After nothing newer could be had, an older server is good enough for this long before the network is asked again. */
const SEARCH_AGAIN_AFTER_MS = 24 * 60 * 60 * 1000;

/** Where distributions put servers; not on an ordinary user's PATH. */
const SERVER_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/opt/homebrew/bin", "/usr/local/bin"];

/** @typedef {{ path: string, version: string }} NatsServer */

/**
 * The nats-server to run: $NATS_SERVER as told, else the first that is new enough of PATH, what an earlier run fetched, the
 * distribution's package, the same package of a newer release, Homebrew; else an older one from PATH, which cannot promise that
 * an acknowledged write survives a power cut (the program says so).
 *
 * @param {string} root the repository
 * @returns {Promise<NatsServer>}
 */
export async function findNatsServer(root) {
  const cache = cacheDirectory(root, "nats-server");
  const told = process.env.NATS_SERVER;
  if (told) {
    const server = await inspect(resolve(told), cache);
    if (server) return server;
    throw new Problem(`NATS_SERVER names ${told}, which is not a nats-server that runs; name one that does, or unset it`);
  }
  const onPath = await firstOnPath(cache);
  if (onPath && isWanted(onPath)) return onPath;
  const fetched = remembered(cache);
  if (fetched) return fetched;
  if (onPath && searchedLately(cache)) return onPath;

  const { fetchNatsServer } = await import("./nats-server-fetch.mjs");
  const fresh = await fetchNatsServer({ cache, isWanted: (version) => isWanted({ version }), remembered: () => remembered(cache) });
  const server = fresh ? await inspect(fresh, cache) : undefined;
  if (server) {
    writeJson(join(cache, "fetched.json"), server);
    return server;
  }
  if (onPath) {
    writeJson(join(cache, "searched.json"), { at_ms: Date.now() });
    return onPath;
  }
  throw new Problem(
    `no nats-server was found and none could be fetched; install nats-server ${VERSION_WANTED} or newer (Debian 13: apt-get install nats-server; macOS: brew install nats-server) or set NATS_SERVER to its path`,
  );
}

/** The version that a nats-server says it has, such as "2.10.27", or undefined when it does not run. @param {string} path */
export async function natsServerVersion(path) {
  const { ok, output } = await capture(path, ["--version"]);
  return ok ? /v?(\d+\.\d+\.\d+)/.exec(output)?.[1] : undefined;
}

/** @param {{ version: string }} server */
function isWanted(server) {
  const [major = 0, minor = 0] = server.version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = VERSION_WANTED.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** @param {string} cache */
async function firstOnPath(cache) {
  for (const directory of [...(process.env.PATH ?? "").split(delimiter), ...SERVER_DIRECTORIES]) {
    const path = join(directory, "nats-server");
    const server = directory && isExecutable(path) ? await inspect(path, cache) : undefined;
    if (server) return server;
  }
  return undefined;
}

/**
 * Asks a binary for its version once and remembers the answer as long as the file stays the same.
 *
 * @param {string} path
 * @param {string} cache
 * @returns {Promise<NatsServer | undefined>}
 */
async function inspect(path, cache) {
  if (!isExecutable(path)) return undefined;
  const { size, mtimeMs } = statSync(path);
  const versionsPath = join(cache, "versions.json");
  const versions = readJson(versionsPath) ?? {};
  const key = `${path} ${size} ${mtimeMs}`;
  const version = versions[key] ?? (await natsServerVersion(path));
  if (!version) return undefined;
  if (!versions[key]) writeJson(versionsPath, { ...versions, [key]: version });
  return { path, version };
}

/** @param {string} cache @returns {NatsServer | undefined} */
function remembered(cache) {
  const fetched = readJson(join(cache, "fetched.json"));
  return fetched && isExecutable(fetched.path) ? fetched : undefined;
}

/** @param {string} cache */
function searchedLately(cache) {
  const searched = readJson(join(cache, "searched.json"));
  return searched !== undefined && Date.now() - searched.at_ms < SEARCH_AGAIN_AFTER_MS;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
