import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Catalog, programNamed } from "./catalog.ts";

/** Where the links of each program of the catalog that is many programs are. `directory` is of the pods' files. */
export async function installApplets(catalog: Catalog, directory: string): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  for (const { applets } of catalog.values()) {
    const program = applets === undefined || places.has(applets) ? undefined : programNamed(applets);
    if (applets === undefined || program === undefined) continue;
    const place = join(directory, "..", "applets", applets.replaceAll("/", "_"));
    await mkdir(place, { recursive: true, mode: 0o755 });
    await promisify(execFile)(program, ["--install", "-s", place]).catch(() => {});
    places.set(applets, place);
  }
  return places;
}
