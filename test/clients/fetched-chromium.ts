import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** How to run a Chromium. */
export interface FetchedChromium {
  readonly program: string;
  /** Directories of libraries that came with it. */
  readonly libraries: readonly string[];
  /** A fontconfig file, where the machine may have none. */
  readonly fonts?: string;
}

/** The Chromium that `fetch-chromium.mjs` finds or fetches; why there is none, on machines that cannot have it. */
export async function fetchedChromium(): Promise<FetchedChromium | string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, "fetch-chromium.mjs")]);
    return JSON.parse(stdout) as FetchedChromium;
  } catch (error) {
    const { code, stderr = "" } = error as { readonly code?: number; readonly stderr?: string };
    if (code === 3) return stderr.trim();
    throw error;
  }
}
