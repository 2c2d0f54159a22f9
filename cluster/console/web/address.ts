/** Below which every address of the console is. */
export const BASE = "/console";

/** The address of a place in the console, for links: `href=${hrefOf("/nodes/a")}`. Names in it are the caller's to encode. */
export function hrefOf(to: string): string {
  return BASE + to;
}
