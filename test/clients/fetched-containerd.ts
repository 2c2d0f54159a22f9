import { fetchedBy } from "./fetched-by.ts";

/** Directories with containerd, ctr and runc, as in PATH. */
export interface FetchedContainerd {
  readonly bin: string;
}

/** What `fetch-containerd.mjs` finds or fetches; why there is none, on machines that cannot have it. */
export async function fetchedContainerd(): Promise<FetchedContainerd | string> {
  if (process.getuid?.() !== 0) return "containerd takes root";
  return fetchedBy<FetchedContainerd>("fetch-containerd.mjs");
}
