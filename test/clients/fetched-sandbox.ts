import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** A directory with crun, and one with CNI plugins. */
export interface FetchedSandbox {
  readonly bin: string;
  readonly plugins: string;
}

/** What `fetch-sandbox.mjs` finds or fetches; why there is none, on machines that cannot have it. */
export async function fetchedSandbox(): Promise<FetchedSandbox | string> {
  if (process.getuid?.() !== 0) return "sandboxes take root";
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, "fetch-sandbox.mjs")]);
    return JSON.parse(stdout) as FetchedSandbox;
  } catch (error) {
    const { code, stderr = "" } = error as { readonly code?: number; readonly stderr?: string };
    if (code === 3) return stderr.trim();
    throw error;
  }
}
