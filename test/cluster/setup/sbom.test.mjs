import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

/** @typedef {{ purl: string, version: string, hashes?: unknown[], properties?: { name: string, value: string }[] }} Component */

// What npm leaves out with `--omit dev` is too much: what runs and is wanted by a tool, too. So all is in it, and the tools are marked.
test("npm run sbom names every package, with its version and checksum, and says which only build or test", () => {
  const env = { ...process.env, npm_config_offline: "true" };
  const printed = execFileSync("npm", ["run", "--silent", "sbom"], { cwd: ROOT, encoding: "utf8", env });
  const { bomFormat, components } = JSON.parse(printed);
  expect(bomFormat).toBe("CycloneDX");
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const named = new Map(components.map((/** @type {Component} */ one) => [decodeURIComponent(one.purl), one]));
  const of = (/** @type {string} */ name) => named.get(`pkg:npm/${name}@${packages[`node_modules/${name}`].version}`);
  const isTool = (/** @type {string} */ name) =>
    of(name)?.properties?.some((/** @type {{ name: string }} */ one) => one.name === "cdx:npm:package:development") === true;
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) expect(of(name)?.hashes?.length, name).toBeGreaterThan(0);
  expect(Object.keys(dependencies).filter(isTool)).toEqual([]);
  // One that a dependency wants as well is no tool.
  const isToolAlone = (/** @type {string} */ name) => packages[`node_modules/${name}`].dev === true;
  expect(Object.keys(devDependencies).filter(isTool)).toEqual(Object.keys(devDependencies).filter(isToolAlone));
  expect(Object.keys(devDependencies).filter(isToolAlone).length).toBeGreaterThan(10);
});
