import { fetchedBy } from "./fetched-by.ts";

/** A directory with crun, and one with CNI plugins. */
export interface FetchedSandbox {
  readonly bin: string;
  readonly plugins: string;
}

/** What `fetch-sandbox.mjs` finds or fetches; why there is none, on machines that cannot have it. */
export async function fetchedSandbox(): Promise<FetchedSandbox | string> {
  if (process.getuid?.() !== 0) return "sandboxes take root";
  return fetchedBy<FetchedSandbox>("fetch-sandbox.mjs");
}
