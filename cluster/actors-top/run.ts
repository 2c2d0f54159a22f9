import { setTimeout as delay } from "node:timers/promises";
import { printed } from "../command-line/output.ts";
import { ENTER_SCREEN, LEAVE_SCREEN, overwritten, TERMINAL_COLUMNS, TERMINAL_ROWS } from "../command-line/screen.ts";
import { ClusterDoor } from "./access.ts";
import type { ActorsFlags } from "./flags.ts";
import { summarize } from "./summary.ts";
import { tableLines } from "./table.ts";

/** Of each host, actors that are asked for: enough to find most of them again at the next look, for their rates. */
const ACTORS_ASKED = 500;
/** Single actors under the table. */
const ACTORS_SHOWN = 10;

/**
 * Shows the actors of the cluster on a data directory: on a terminal again and again until it is interrupted, elsewhere once. Rates and times are of
 * the time between two looks. Throws BootFailure when no cluster runs there.
 */
export async function runActors(flags: ActorsFlags, output: NodeJS.WriteStream): Promise<void> {
  const door = ClusterDoor.open(flags.data);
  const stop = new AbortController();
  const interrupted = (): void => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted);
  const shows = output.isTTY === true && !flags.once && flags.format === "table";
  if (shows) output.write(ENTER_SCREEN);
  try {
    let before = await door.actors(flags.kind, ACTORS_ASKED);
    do {
      await delay(flags.interval_ms, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) return;
      const now = await door.actors(flags.kind, ACTORS_ASKED);
      const summary = summarize(before, now, flags);
      before = now;
      if (shows) output.write(screen(tableLines(summary, output.rows ?? TERMINAL_ROWS, output.columns ?? TERMINAL_COLUMNS), output.rows));
      else output.write(await printed(flags.format, summary, () => tableLines(summary, ACTORS_SHOWN)));
    } while (shows);
  } finally {
    if (shows) output.write(LEAVE_SCREEN);
    await door.close();
  }
}

/** The last line of the terminal is the cursor's. */
function screen(lines: readonly string[], rows: number = TERMINAL_ROWS): string {
  return overwritten([...lines.slice(0, rows - 1), ""]);
}
