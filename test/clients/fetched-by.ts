import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** The exit code that says so, see `fetched.mjs`. */
const CANNOT = 3;

/** What a fetcher of this folder finds or fetches; why there is none, on machines that cannot have it. Rejects when it fails otherwise. */
export async function fetchedBy<T>(program: string): Promise<T | string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, program)]);
    return JSON.parse(stdout) as T;
  } catch (error) {
    const { code, stderr = "" } = error as { readonly code?: number; readonly stderr?: string };
    if (code === CANNOT) return stderr.trim();
    throw error;
  }
}
