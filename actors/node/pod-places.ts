import type { Pod } from "../kinds/generated/types.ts";
import { decodeMetadata } from "../kinds/metadata-text.ts";
import { decodeObject } from "../kinds/text.ts";
import type { PodPlace } from "../pod/pod-status.ts";
import type { Key } from "../store/transaction.ts";
import type { Entry } from "../store/view.ts";
import { PodAddresses } from "./cidr.ts";
import type { PodHere } from "./messages.ts";

/** Whether the API knows the address of the pod. */
export const hasAddress = ({ text }: Entry): boolean => text.includes('"podIP":"');

/** The agent before this one gave it its address, and nobody had said so yet when this one began. */
const isElsewhere = ({ place }: PodHere, entry: Entry): boolean => hasAddress(entry) && !entry.text.includes(`"podIP":"${place.podIP}"`);

/** The pods of one node and their addresses, which nobody else of them has: those of the API by their keys, and the node's own by their UIDs. */
export class PodPlaces {
  /** Pods of the API. */
  readonly pods: ReadonlyMap<Key, PodHere>;
  readonly #pods = new Map<Key, PodHere>();
  readonly #statics = new Map<string, string>();
  #addresses: PodAddresses | undefined;

  constructor() {
    this.pods = this.#pods;
  }

  /** `cidr`: the node's range. */
  use(cidr: string): void {
    if (this.#addresses?.cidr === cidr) return;
    this.#addresses = new PodAddresses(cidr);
    for (const address of this.#statics.values()) this.#addresses.adopt(address);
    for (const { place } of this.#pods.values()) this.#addresses.adopt(place.podIP);
  }

  /** `hostIP`: the node's address. */
  see(entry: Entry, hostIP: string): { readonly here: PodHere; readonly isNew: boolean } {
    const known = this.#pods.get(entry.key);
    if (known !== undefined && !isElsewhere(known, entry)) return { here: known, isNew: false };
    // Nearly all pods come without an address and want one of the node's range: then the metadata is enough to read.
    const plain = !hasAddress(entry) && !entry.text.includes('"hostNetwork":true');
    const { uid } = decodeMetadata(entry.text);
    const podIP = plain ? this.#newAddress(hostIP) : this.#addressFor(decodeObject<Pod>(entry.text, entry.revision), hostIP);
    const here = { uid, place: { hostIP, podIP } };
    this.adopt(entry.key, here);
    if (known !== undefined) this.#free(known.place.podIP);
    return { here, isNew: known === undefined };
  }

  adopt(key: Key, here: PodHere): void {
    this.#pods.set(key, here);
    this.#addresses?.adopt(here.place.podIP);
  }

  gone(key: Key): PodHere | undefined {
    const here = this.#pods.get(key);
    if (here === undefined) return undefined;
    this.#pods.delete(key);
    this.#free(here.place.podIP);
    return here;
  }

  /** `address`: what it has already, of a life before this one. Undefined where it is to have an address of the node's range, which is not known yet. */
  placeStatic({ metadata: { uid }, spec }: Pod, address: string | undefined, hostIP: string): PodPlace | undefined {
    if (address !== undefined) this.#addresses?.adopt(address);
    const has = spec.hostNetwork === true ? hostIP : (this.#statics.get(uid) ?? address);
    if (has === undefined && this.#addresses === undefined) return undefined;
    const podIP = has ?? this.#newAddress(hostIP);
    this.#statics.set(uid, podIP);
    return { hostIP, podIP };
  }

  /** The API shows that a pod of the node's own has it, of which nobody else has told yet. */
  hold(address: string): void {
    this.#addresses?.adopt(address);
  }

  staticGone(uid: string): void {
    const address = this.#statics.get(uid);
    this.#statics.delete(uid);
    if (address !== undefined) this.#free(address);
  }

  /** Nobody here has the address any more, unless another pod has turned out to. */
  #free(address: string): void {
    for (const { place } of this.#pods.values()) if (place.podIP === address) return;
    for (const other of this.#statics.values()) if (other === address) return;
    this.#addresses?.release(address);
  }

  #addressFor(pod: Pod, hostIP: string): string {
    if (pod.spec?.hostNetwork === true) return hostIP;
    const has = pod.status?.podIP;
    if (has === undefined || has === "") return this.#newAddress(hostIP);
    this.#addresses?.adopt(has);
    return has;
  }

  /** The node's own address when its range is used up. */
  #newAddress(hostIP: string): string {
    return this.#addresses?.take() ?? hostIP;
  }
}
