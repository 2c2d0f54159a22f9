/**
 * Finds or unpacks what it takes to run sandboxes, Debian's crun and its CNI plugins, under the user's cache, once, and prints where as JSON: `{"bin", "plugins"}`, a directory
 * with crun and one with plugins. Exit code 3, with the reason, on machines that cannot have them.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheDirectory } from "../../cluster/setup/cache-directory.mjs";
import { capture, progress } from "../../cluster/setup/command.mjs";
import { downloadDebianPackage, hasApt } from "../../cluster/setup/debian-package.mjs";
import { fetchedOnce, tell } from "./fetched.mjs";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const PLUGIN_PLACES = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];
/** Debian's libyajl is in no base system; the others that crun takes are. */
const CRUN_PACKAGES = ["libyajl2", "crun"];

const cache = cacheDirectory(join(HERE, "../.."), "sandbox");

function crunOfMachine() {
  return (process.env.PATH ?? "").split(delimiter).find((place) => existsSync(join(place, "crun")));
}

/** @param {readonly string[]} packages @param {string} root */
async function unpacked(packages, root) {
  for (const name of packages) {
    const directory = join(cache, name);
    mkdirSync(directory, { recursive: true });
    const one = await downloadDebianPackage({ name, directory, isWanted: () => true });
    if (!one) return `apt could not download ${name}`;
    cpSync(one, root, { recursive: true, verbatimSymlinks: true });
  }
  return undefined;
}

/** A program that finds its libraries where they are. @returns {Promise<string | { bin: string }>} */
async function fetchCrun() {
  const root = join(cache, "crun-root");
  const failure = await unpacked(CRUN_PACKAGES, root);
  if (failure) return failure;
  const { output: triplet } = await capture("dpkg-architecture", ["-qDEB_HOST_MULTIARCH"]);
  const { output: machine } = await capture("uname", ["-m"]);
  const libraries = join(root, "usr/lib", triplet.trim().includes("linux") ? triplet.trim() : `${machine.trim()}-linux-gnu`);
  const bin = join(cache, "bin");
  mkdirSync(bin, { recursive: true });
  const crun = join(bin, "crun");
  writeFileSync(crun, `#!/bin/sh\nLD_LIBRARY_PATH='${libraries}' exec '${join(root, "usr/bin/crun")}' "$@"\n`);
  chmodSync(crun, 0o755);
  const { ok, output } = await capture(crun, ["--version"]);
  return ok ? { bin } : `the crun that apt has does not run on this machine:\n${output}`;
}

/** @returns {Promise<string | { plugins: string }>} */
async function fetchPlugins() {
  const root = join(cache, "plugins-root");
  const failure = await unpacked(["containernetworking-plugins"], root);
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
