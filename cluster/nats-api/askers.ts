import { unauthorized } from "../../actors/kinds/errors.ts";
import type { Identity } from "../access/identity.ts";
import { identityIn } from "../nats/credentials.ts";

/** As many as are remembered; a client's connection tells the same of itself with each request, but for its latency now and then. */
const REMEMBERED_MAX = 4_096;

/** Whoever asks, and from where. */
export interface Asker {
  readonly identity: Identity;
  readonly remoteAddress: string | undefined;
}

/** Those who ask, as NATS told of them. Who is the same is the same object, since decisions about somebody are remembered by it. */
export class Askers {
  readonly #told = new Map<string, Asker>();
  readonly #identities = new Map<string, Identity>();

  /** Throws 401 for a message of which NATS did not say who sent it. */
  of(requestInfo: string | undefined): Asker {
    if (requestInfo === undefined) throw unauthorized();
    let asker = this.#told.get(requestInfo);
    if (asker === undefined) {
      const { host } = JSON.parse(requestInfo) as { readonly host?: string };
      asker = { identity: this.#identity(requestInfo), remoteAddress: host };
      if (this.#told.size >= REMEMBERED_MAX) this.#told.clear();
      this.#told.set(requestInfo, asker);
    }
    return asker;
  }

  #identity(requestInfo: string): Identity {
    const read = identityIn(requestInfo);
    if (read.user === "") throw unauthorized();
    const key = JSON.stringify(read);
    const known = this.#identities.get(key);
    if (known !== undefined) return known;
    if (this.#identities.size >= REMEMBERED_MAX) this.#identities.clear();
    this.#identities.set(key, read);
    return read;
  }
}
