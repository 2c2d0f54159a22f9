import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** For the hook that fetches: some 100 MB come over the network once. */
export const FETCH_MS = 600_000;

/** The `node_modules` with the clients that `fetch.mjs` fetches; rejects with what it says when they cannot be had. */
export async function fetchedClients(): Promise<string> {
  return (await promisify(execFile)(process.execPath, [join(import.meta.dirname, "fetch.mjs")])).stdout;
}
