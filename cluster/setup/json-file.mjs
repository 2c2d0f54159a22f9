import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** @param {string} path @returns {any} what the file says, or undefined when there is none that can be read */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** Writes the file whole or not at all. @param {string} path @param {unknown} value */
export function writeJson(path, value) {
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify(value));
  renameSync(fresh, path);
}
