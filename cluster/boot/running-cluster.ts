import type { Said } from "../command-line/output.ts";
import { Closers } from "./closers.ts";
import type { BootFailure } from "./failure.ts";

/** A cluster, or a machine of one, that starts or runs: what `troupe up` and `troupe join` are until they end. */
export interface Cluster {
  /** Resolves with the ready line, and the same for programs. Rejects, with BootFailure when it is for the user to mend, and then everything has been stopped. */
  readonly ready: Promise<Said>;
  /** Settles only if a cluster that was ready cannot go on. */
  readonly failed: Promise<BootFailure>;
  /** What the start waits for now. */
  waitsFor(): string;
  /** Drains and ends everything, also in the middle of the start. Safe to call more than once. */
  stop(): Promise<void>;
}

/** What `start` starts: its ready line when all is there, and what it has opened closed when it is stopped or fails. */
export function clusterOf(
  start: (closers: Closers, failed: (failure: BootFailure) => void, waits: (what: string) => void) => Promise<Said>,
): Cluster {
  const closers = new Closers();
  const failure = Promise.withResolvers<BootFailure>();
  const stop = (): Promise<void> => closers.close();
  let waiting = "the data directory";
  const waits = (what: string): void => {
    waiting = what;
  };
  const ready = start(closers, failure.resolve, waits).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { ready, failed: failure.promise, waitsFor: () => waiting, stop };
}
