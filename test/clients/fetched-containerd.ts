import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** Directories with containerd, ctr and runc, as in PATH. */
export interface FetchedContainerd {
  readonly bin: string;
}

/** What `fetch-containerd.mjs` finds or fetches; why there is none, on machines that cannot have it. */
export async function fetchedContainerd(): Promise<FetchedContainerd | string> {
  if (process.getuid?.() !== 0) return "containerd takes root";
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, "fetch-containerd.mjs")]);
    return JSON.parse(stdout) as FetchedContainerd;
  } catch (error) {
    const { code, stderr = "" } = error as { readonly code?: number; readonly stderr?: string };
    if (code === 3) return stderr.trim();
    throw error;
  }
}
