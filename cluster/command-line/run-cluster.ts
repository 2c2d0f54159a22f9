import type { Cluster } from "../boot/running-cluster.ts";
import { DONE } from "./command.ts";
import { type Format, printed, type Said } from "./output.ts";
import { showProgress } from "./progress.ts";

/** When the launcher, or without one this process, was started: Unix time in ms. */
export function startedMs(): number {
  return Number(process.env.TROUPE_STARTED_MS) || performance.timeOrigin;
}

/** Prints that it is ready, and what is to be said after that, and goes on until somebody asks it to stop. */
export async function runCluster(cluster: Cluster, format: Format, then?: () => Promise<Said>): Promise<number> {
  const asked = new Promise<undefined>((resolve) => {
    for (const event of ["SIGTERM", "SIGINT", "SIGHUP", "disconnect"]) process.on(event, () => resolve(undefined));
  });
  const hide = showProgress(() => `starting: waits for ${cluster.waitsFor()}`);
  const ready = await Promise.race([cluster.ready, asked]).finally(hide);
  const print = async ({ answer, lines }: Said): Promise<unknown> => process.stdout.write(await printed(format, answer, () => lines));
  if (ready !== undefined) await print(ready);
  const failure = await Promise.race([asked, cluster.failed, afterwards(ready === undefined ? undefined : then, print)]);
  // A start that is cut short ends as it can; nobody waits for it any more.
  cluster.ready.catch(() => {});
  await cluster.stop();
  if (failure !== undefined) throw failure;
  return DONE;
}

/** Prints what `then` gives; resolves with what went wrong, and else never. */
async function afterwards(then: (() => Promise<Said>) | undefined, print: (said: Said) => Promise<unknown>): Promise<unknown> {
  try {
    if (then !== undefined) await print(await then());
  } catch (error) {
    return error;
  }
  return new Promise(() => {});
}
