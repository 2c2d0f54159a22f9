/**
 * What the program knows of `cluster/troupe.mjs`, which started it: a channel that carries nothing and breaks when the launcher dies.
 *
 * Calls `gone` once when the launcher died without a word (kill -9), so that a cluster never outlives the command that a person
 * started. Started by hand, without the launcher, it never calls. The watch keeps no event loop alive.
 */
export function whenLauncherIsGone(gone: () => void): void {
  if (!process.channel) return;
  process.once("disconnect", gone);
  process.channel.unref();
}
