/**
 * Finds or unpacks what it takes to run sandboxes, Debian's crun and its CNI plugins, under the user's cache, once, and prints where as JSON: `{"bin", "plugins"}`, a directory
 * with crun and one with plugins. Exit code 3, with the reason, on machines that cannot have them.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheDirectory } from "../../cluster/setup/cache-directory.mjs";
import { progress } from "../../cluster/setup/command.mjs";
import { hasApt } from "../../cluster/setup/debian-package.mjs";
import { fetchedOnce, tell } from "./fetched.mjs";
import { unpackTogether, wrapUnpacked } from "./unpacked.mjs";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const PLUGIN_PLACES = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];
/** Debian's libyajl is in no base system; the others that crun takes are. */
const CRUN_PACKAGES = ["libyajl2", "crun"];

const cache = cacheDirectory(join(HERE, "../.."), "sandbox");

function crunOfMachine() {
  return (process.env.PATH ?? "").split(delimiter).find((place) => existsSync(join(place, "crun")));
}

/** @returns {Promise<string | { bin: string }>} */
async function fetchCrun() {
  const [root, bin] = [join(cache, "crun-root"), join(cache, "bin")];
  const failure = (await unpackTogether(cache, CRUN_PACKAGES, root)) ?? (await wrapUnpacked(root, "usr/bin/crun", bin));
  return failure ?? { bin };
}

/** @returns {Promise<string | { plugins: string }>} */
async function fetchPlugins() {
  const root = join(cache, "plugins-root");
  const failure = await unpackTogether(cache, ["containernetworking-plugins"], root);
  return failure ?? { plugins: join(root, "usr/lib/cni") };
}

/** @returns {Promise<object | string>} */
async function fetchAll() {
  const ownBin = crunOfMachine();
  const ownPlugins = PLUGIN_PLACES.find((place) => existsSync(join(place, "bridge")));
  if (ownBin && ownPlugins) return { bin: ownBin, plugins: ownPlugins };
  if (!hasApt()) return "there are no crun and CNI plugins, and no apt to fetch them with";
  progress("fetching crun and CNI plugins to test with (once)");
  const crun = ownBin ? { bin: ownBin } : await fetchCrun();
  if (typeof crun === "string") return crun;
  const plugins = ownPlugins ? { plugins: ownPlugins } : await fetchPlugins();
  return typeof plugins === "string" ? plugins : { ...crun, ...plugins };
}

tell(await fetchedOnce(cache, (before) => existsSync(join(before.bin, "crun")) && existsSync(join(before.plugins, "bridge")), fetchAll));
