/**
 * Where an actor lives, as everybody else sees it: `kind/key`, for example `node/worker-17` or `writer/main`.
 * The kind names a registered ActorKind; the key is free text without restriction (it may hold slashes).
 */
export type Address = `${string}/${string}`;

/** The address of the actor of this kind with this key. */
export function addressOf(kind: string, key: string): Address {
  return `${kind}/${key}`;
}

/** The kind before the first slash. */
export function kindOf(address: Address): string {
  return address.slice(0, address.indexOf("/"));
}

/** Everything after the first slash. */
export function keyOf(address: Address): string {
  return address.slice(address.indexOf("/") + 1);
}
