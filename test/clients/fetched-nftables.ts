import { fetchedBy } from "./fetched-by.ts";

/** nft and conntrack, and the directory that they are in, as in PATH. */
export interface FetchedNftables {
  readonly bin: string;
  readonly nft: string;
}

/** What `fetch-nftables.mjs` finds or fetches; why there is none, on machines that cannot have it. */
export async function fetchedNftables(): Promise<FetchedNftables | string> {
  if (process.getuid?.() !== 0) return "rules of the kernel take root";
  return fetchedBy<FetchedNftables>("fetch-nftables.mjs");
}
