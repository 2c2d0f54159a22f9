import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { capture } from "../../cluster/setup/command.mjs";
import { downloadDebianPackage } from "../../cluster/setup/debian-package.mjs";

/**
 * Unpacks Debian's packages into one root. A string says which could not be downloaded.
 *
 * @param {string} cache
 * @param {readonly string[]} packages
 * @param {string} root
 * @returns {Promise<string | undefined>}
 */
export async function unpackTogether(cache, packages, root) {
  for (const name of packages) {
    const directory = join(cache, name);
    mkdirSync(directory, { recursive: true });
    const one = await downloadDebianPackage({ name, directory, isWanted: () => true });
    if (!one) return `apt could not download ${name}`;
    cpSync(one, root, { recursive: true, verbatimSymlinks: true });
  }
  return undefined;
}

/**
 * Makes a program in `bin` that finds its libraries where they were unpacked. A string says why it does not run here.
 *
 * @param {string} root
 * @param {string} within of the program, in the root
 * @param {string} bin
 * @returns {Promise<string | undefined>}
 */
export async function wrapUnpacked(root, within, bin) {
  const { output: triplet } = await capture("dpkg-architecture", ["-qDEB_HOST_MULTIARCH"]);
  const { output: machine } = await capture("uname", ["-m"]);
  const libraries = join(root, "usr/lib", triplet.trim().includes("linux") ? triplet.trim() : `${machine.trim()}-linux-gnu`);
  mkdirSync(bin, { recursive: true });
  const program = join(bin, basename(within));
  writeFileSync(program, `#!/bin/sh\nLD_LIBRARY_PATH='${libraries}' exec '${join(root, within)}' "$@"\n`);
  chmodSync(program, 0o755);
  const { ok, output } = await capture(program, ["--version"]);
  return ok ? undefined : `the ${basename(within)} that apt has does not run on this machine:\n${output}`;
}
