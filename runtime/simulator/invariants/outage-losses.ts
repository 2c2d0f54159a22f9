import { unpackFrame } from "../../frame.ts";
import { RECONNECT_GRACE_MS } from "../../nats-transport.ts";
import type { Happened } from "../happening.ts";

interface Owed {
  readonly bytes: Uint8Array;
  readonly from: string;
  readonly to: string;
  excused: boolean;
}

/**
 * Frames that were lost because the server was away. The links between hosts make up for them, as long as both are there: a host that was not heard
 * since it began, or was fenced, may have been another when it was sent to, so what it did not get is given up.
 */
export class OutageLosses {
  #owed: Owed[] = [];
  /** Pairs of hosts of which the first has heard the second, both being who they are. */
  readonly #heard = new Set<string>();
  /** The newest incarnation that was heard of a host, and the oldest that it can still have. */
  readonly #newest = new Map<string, number>();
  readonly #oldest = new Map<string, number>();
  #over_ms = Number.NEGATIVE_INFINITY;

  saw(happened: Happened): void {
    switch (happened.what) {
      case "host begins":
      case "host ends":
      case "fenced":
        this.#oldest.set(happened.host, (this.#newest.get(happened.host) ?? 0) + 1);
        this.#giveUp((from, to) => from === happened.host || to === happened.host);
        return;
      case "frame arrives":
        this.#hears(happened);
        return;
      case "fault ends":
        if (happened.fault.kind === "server away") this.#over_ms = happened.at_ms;
        return;
      case "frame lost":
        this.#lost(happened);
        return;
      default:
    }
  }

  /** What is not expected to arrive. */
  excused(): readonly Uint8Array[] {
    return this.#owed.filter(({ excused }) => excused).map(({ bytes }) => bytes);
  }

  #hears({ from, to, bytes }: Extract<Happened, { what: "frame arrives" }>): void {
    const pair = `${to.host} ${from}`;
    if (this.#heard.has(pair)) return;
    const frame = unpackFrame(bytes);
    // What comes from a host that is not a member yet, or no more, is not taken in.
    if (typeof frame === "string" || frame.head.incarnation < (this.#oldest.get(from) ?? 1)) return;
    this.#newest.set(from, Math.max(frame.head.incarnation, this.#newest.get(from) ?? 0));
    this.#heard.add(pair);
  }

  #lost({ from, to: subject, why, bytes, at_ms }: Extract<Happened, { what: "frame lost" }>): void {
    const to = subject.slice(subject.lastIndexOf(".") + 1);
    if (why === "server away") this.#owed.push({ bytes, from, to, excused: !this.#heard.has(`${from} ${to}`) });
    // Soon after an outage it means that the other is not back yet; later, that it is not there.
    else if (why === "nobody listens" && at_ms > this.#over_ms + RECONNECT_GRACE_MS) this.#giveUp((a, b) => a === from && b === to);
  }

  #giveUp(concerns: (from: string, to: string) => boolean): void {
    for (const owed of this.#owed) if (concerns(owed.from, owed.to)) owed.excused = true;
    for (const pair of this.#heard) {
      const [from = "", to = ""] = pair.split(" ");
      if (concerns(from, to)) this.#heard.delete(pair);
    }
  }
}
