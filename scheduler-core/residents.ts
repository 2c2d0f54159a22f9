import type { Peer } from "./marks.ts";

/** By slot, how many pods of a peer are there. */
type Places = ReadonlyMap<number, number>;

/**
 * Which pods are on which nodes, by what they are to one another. Pods are many and peers few, one for each owner mostly; and whoever asks means those of
 * some namespaces, mostly of one.
 */
export class Residents {
  readonly #namespaces = new Map<string, Map<Peer, Map<number, number>>>();

  enter(slot: number, peer: Peer): void {
    const { namespace } = peer.facts;
    let peers = this.#namespaces.get(namespace);
    if (peers === undefined) {
      peers = new Map();
      this.#namespaces.set(namespace, peers);
    }
    let places = peers.get(peer);
    if (places === undefined) {
      places = new Map();
      peers.set(peer, places);
    }
    places.set(slot, (places.get(slot) ?? 0) + 1);
  }

  leave(slot: number, peer: Peer): void {
    const peers = this.#namespaces.get(peer.facts.namespace);
    const places = peers?.get(peer);
    if (peers === undefined || places === undefined) return;
    const left = (places.get(slot) ?? 0) - 1;
    if (left > 0) places.set(slot, left);
    else places.delete(slot);
    this.#forgetIfNowhere(peers, peer, places);
  }

  /** The node in this slot is gone, and with it all that were there. */
  closed(slot: number): void {
    for (const peers of this.#namespaces.values()) {
      for (const [peer, places] of peers) if (places.delete(slot)) this.#forgetIfNowhere(peers, peer, places);
    }
  }

  /** Those of these namespaces; of all when none are named. */
  *in(namespaces: Iterable<string> = this.#namespaces.keys()): Iterable<readonly [Peer, Places]> {
    for (const namespace of namespaces) yield* this.#namespaces.get(namespace) ?? [];
  }

  #forgetIfNowhere(peers: Map<Peer, Map<number, number>>, peer: Peer, places: Places): void {
    if (places.size > 0) return;
    peers.delete(peer);
    if (peers.size === 0) this.#namespaces.delete(peer.facts.namespace);
  }
}
