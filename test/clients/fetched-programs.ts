import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

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
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, "fetch-programs.mjs")]);
    const directory = mkdtempSync(join(tmpdir(), "troupe-programs-"));
    chmodSync(directory, 0o755);
    const places = (JSON.parse(stdout) as readonly Fetched[]).map(({ root, within }, at) => {
      const copy = join(directory, String(at));
      cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
      return join(copy, within);
    });
    return { path: [...places, process.env.PATH].join(delimiter), directory };
  } catch (error) {
    const { code, stderr = "" } = error as { readonly code?: number; readonly stderr?: string };
    if (code === 3) return stderr.trim();
    throw error;
  }
}
