import { chmodSync, cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fetchedBy } from "./fetched-by.ts";

interface Fetched {
  readonly root: string;
  readonly within: string;
}

/** A PATH with nginx and busybox in it, and what is to be removed afterwards. */
export interface FetchedPrograms {
  readonly path: string;
  readonly directory: string;
}

/** What `fetch-programs.mjs` fetches, where everybody may read it, nginx's workers too; why there is none, on machines that cannot have it. */
export async function fetchedPrograms(): Promise<FetchedPrograms | string> {
  const fetched = await fetchedBy<readonly Fetched[]>("fetch-programs.mjs");
  if (typeof fetched === "string") return fetched;
  const directory = mkdtempSync(join(tmpdir(), "troupe-programs-"));
  chmodSync(directory, 0o755);
  const places = fetched.map(({ root, within }, at) => {
    const copy = join(directory, String(at));
    cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
    return join(copy, within);
  });
  return { path: [...places, process.env.PATH].join(delimiter), directory };
}
