import { accessSync, constants, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Problem } from "./problem.mjs";

/**
 * Where things are kept that all clones of this user share; made when absent. A user without a writable home gets one
 * inside this clone. Throws Problem where that cannot be written either.
 *
 * @param {string} root the repository
 * @param {string} name
 */
export function cacheDirectory(root, name) {
  const shared = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "troupe", name);
  try {
    mkdirSync(shared, { recursive: true });
    accessSync(shared, constants.W_OK);
    return shared;
  } catch {
    const own = join(root, "node_modules", ".cache", "troupe", name);
    try {
      mkdirSync(own, { recursive: true });
    } catch {
      throw new Problem(`neither ${shared} nor ${own} can be written; set XDG_CACHE_HOME to a directory that can`);
    }
    return own;
  }
}
