import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

export function versionOfTroupe(): string {
  const manifest = findPackageJSON(import.meta.url);
  if (manifest === undefined) throw new Error("the program lies in no package");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
