import { readdirSync, readFileSync } from "node:fs";

export interface ProcessSeen {
  readonly pid: number;
  readonly command: string;
}

/** Processes that have each of `texts` in their command line or environment, this one and its ancestors aside. Needs /proc. */
export function processesThatMention(...texts: readonly string[]): readonly ProcessSeen[] {
  const seen: ProcessSeen[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid || pid === process.ppid) continue;
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim();
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
      if (texts.every((text) => command.includes(text) || environment.includes(text))) seen.push({ pid, command });
    } catch {
      // Ended while we looked.
    }
  }
  return seen;
}
