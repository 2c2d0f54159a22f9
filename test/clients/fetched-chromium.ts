import { fetchedBy } from "./fetched-by.ts";

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
  return fetchedBy<FetchedChromium>("fetch-chromium.mjs");
}
