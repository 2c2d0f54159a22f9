import type { Cluster } from "../boot/up.ts";
import { DONE } from "./command.ts";
import { showProgress } from "./progress.ts";

/** When the launcher, or without one this process, was started: Unix time in ms. */
export function startedMs(): number {
  return Number(process.env.TROUPE_STARTED_MS) || performance.timeOrigin;
}

/** Prints the ready line, and what is to be said after it, and goes on until somebody asks it to stop. */
export async function runCluster(cluster: Cluster, then?: () => Promise<string>): Promise<number> {
  const asked = new Promise<undefined>((resolve) => {
    for (const event of ["SIGTERM", "SIGINT", "SIGHUP", "disconnect"]) process.on(event, () => resolve(undefined));
  });
  const hide = showProgress(() => `starting: waits for ${cluster.waitsFor()}`);
  const ready = await Promise.race([cluster.ready, asked]).finally(hide);
  if (ready !== undefined) console.log(ready);
  const failure = await Promise.race([asked, cluster.failed, said(ready === undefined ? undefined : then)]);
  // A start that is cut short ends as it can; nobody waits for it any more.
  cluster.ready.catch(() => {});
  await cluster.stop();
  if (failure !== undefined) throw failure;
  return DONE;
}

/** Prints what `then` gives; resolves with what went wrong, and else never. */
async function said(then: (() => Promise<string>) | undefined): Promise<unknown> {
  try {
    if (then !== undefined) console.log(await then());
  } catch (error) {
    return error;
  }
  return new Promise(() => {});
}
