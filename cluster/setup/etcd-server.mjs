import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { cacheDirectory } from "./cache-directory.mjs";
import { capture, progress } from "./command.mjs";
import { downloadDebianPackage, hasApt } from "./debian-package.mjs";
import { readJson, writeJson } from "./json-file.mjs";
import { withLock } from "./lock.mjs";

/** After none could be had, the network is asked again after this long. */
const SEARCH_AGAIN_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * The etcd that the store is compared with, by tests and benchmarks only: $ETCD_SERVER as told, else the first that runs of PATH, what an
 * earlier run fetched, and the distribution's package, unpacked under the user's cache directory. Undefined when none can be had: then
 * there is nothing to compare with, which is no fault.
 *
 * @param {string} root the repository
 * @returns {Promise<string | undefined>} its path
 */
export async function findEtcdServer(root) {
  const told = process.env.ETCD_SERVER;
  if (told) return runs(resolve(told));
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(directory, "etcd");
    if (directory && (await runs(path))) return path;
  }
  const cache = cacheDirectory(root, "etcd-server");
  const found = join(cache, "fetched.json");
  const failed = join(cache, "searched.json");
  return withLock(join(cache, "lock"), async () => {
    const fetched = await runs(readJson(found)?.path);
    if (fetched) return fetched;
    if (!hasApt() || Date.now() - (readJson(failed)?.at_ms ?? 0) < SEARCH_AGAIN_AFTER_MS) return undefined;
    progress("fetching etcd-server, to compare the store with (once)");
    const unpacked = await downloadDebianPackage({ name: "etcd-server", directory: cache, isWanted: () => true });
    const path = await runs(unpacked && join(unpacked, "usr", "bin", "etcd"));
    if (path) writeJson(found, { path });
    else writeJson(failed, { at_ms: Date.now() });
    return path;
  });
}

/** @param {string | undefined} path @returns {Promise<string | undefined>} the path, when an etcd is there that runs */
async function runs(path) {
  if (!path || !existsSync(path)) return undefined;
  try {
    accessSync(path, constants.X_OK);
    if (!statSync(path).isFile()) return undefined;
  } catch {
    return undefined;
  }
  const { ok, output } = await capture(path, ["--version"]);
  return ok && output.includes("etcd Version") ? path : undefined;
}
