/** Whether a shard decides for the pod with this uid, or the group of pods with this name: they are split by the FNV-1a hash of it. */
export function ownsPod(uid: string, shard: number, shards: number): boolean {
  if (shards === 1) return true;
  let hash = 0x811c9dc5;
  for (let i = 0; i < uid.length; i++) hash = Math.imul(hash ^ uid.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % shards === shard;
}
