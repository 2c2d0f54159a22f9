import { type Address, addressOf } from "../../runtime/mod.ts";

export const SCHEDULER_KIND = "scheduler";
/** Addresses of one shard beside its own: enough that not all of them lie on a host that is gone. */
const STANDBYS = 16;
const STANDBY = "-standby-";

/** Whether a shard decides for the pod with this uid, or the group of pods with this name: they are split by the FNV-1a hash of it. */
export function ownsPod(uid: string, shard: number, shards: number): boolean {
  if (shards === 1) return true;
  let hash = 0x811c9dc5;
  for (let i = 0; i < uid.length; i++) hash = Math.imul(hash ^ uid.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % shards === shard;
}

/** Where a shard lives; then where it is taken up, by the first that can be reached, while its host cannot be. */
export function addressesOfShard(shard: number): readonly [Address, ...Address[]] {
  const standbys = Array.from({ length: STANDBYS }, (_, number) => addressOf(SCHEDULER_KIND, `${shard}${STANDBY}${number}`));
  return [addressOf(SCHEDULER_KIND, String(shard)), ...standbys];
}

/** The shard that an actor of this key is, and whether it is only in the place of the shard's own. */
export function shardOf(key: string): { readonly shard: number; readonly isStandby: boolean } {
  return { shard: Number.parseInt(key, 10), isStandby: key.includes(STANDBY) };
}
