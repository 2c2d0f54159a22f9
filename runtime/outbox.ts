import { ASK_FAILURES } from "./ask-failed.ts";
import { type LinkCounters, noLinkCounters } from "./counters.ts";
import { ANSWER, ASK, type Envelope, FAILURE, type Frame, type FrameHead, type Refused, type Standing, TELL } from "./envelope.ts";
import { type Loading, packFrame, packFrames } from "./frame.ts";
import { costOf, LINK_LIMITS, Link, type LinkLimits } from "./link.ts";
import type { PlantedFault } from "./planted-fault.ts";
import type { Clock, Random, Timer } from "./time.ts";
import type { Transport } from "./transport.ts";

/** Envelopes for one host that may gather within one turn of the loop; when there are as many, they leave at once. */
export const FRAME_ENVELOPES_MAX = 512;

/** Links that wait for the other side are looked at this often. */
const LINK_LOOK_MS = 200;

/** Lives of hosts are drawn from below this. */
const LIFE_BELOW = 2 ** 48 - 1;

export interface OutboxOptions {
  /** The name of this host. */
  readonly self: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** How this host stands among the members, now. */
  standing(): Standing;
  /** Asks for a `flush` at the end of this turn. */
  stir(): void;
  /** Hears of messages and asks that did not leave. */
  refused(refused: Refused): void;
  /** Of `handOver`: the other host has taken these in, or is lost. */
  handedOver(envelopes: readonly Envelope[]): void;
  /** Another host was started anew: asks to its former life get no answer. Told after the frame that shows it was delivered. */
  replaced(host: string): void;
  readonly limits: LinkLimits | undefined;
  readonly planted: PlantedFault | undefined;
}

/** What this turn of the loop has for other hosts, and the links over which it goes. */
export class Outbox {
  readonly #counters: LinkCounters = noLinkCounters();
  readonly #options: OutboxOptions;
  readonly #life: number;
  readonly #limits: LinkLimits;
  readonly #gathered = new Map<string, Envelope[]>();
  /** Those of the gathered of which it matters that they are taken in. */
  readonly #handing = new Map<string, Envelope[]>();
  readonly #links = new Map<string, Link>();
  readonly #owing = new Set<string>();
  #look: Timer | undefined = undefined;
  #frame_bytes_max: number;
  #closed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#limits = options.limits ?? LINK_LIMITS;
    this.#life = 1 + options.random.below(LIFE_BELOW);
    this.#frame_bytes_max = options.transport.frame_bytes_max;
  }

  /** A copy. */
  counters(): LinkCounters {
    let waiting = 0;
    for (const link of this.#links.values()) waiting += link.waiting;
    return { ...this.#counters, waiting };
  }

  add(host: string, envelope: Envelope): void {
    const gathered = this.#gathered.get(host);
    if (gathered === undefined) {
      this.#gathered.set(host, [envelope]);
      this.#options.stir();
      return;
    }
    gathered.push(envelope);
    if (gathered.length < FRAME_ENVELOPES_MAX) return;
    this.#gathered.delete(host);
    this.#send(host, gathered);
  }

  /** As `add`, of what is sent again if it is lost on the way; `handedOver` says when it was taken in. */
  handOver(host: string, envelope: Envelope): void {
    const handing = this.#handing.get(host);
    if (handing === undefined) this.#handing.set(host, [envelope]);
    else handing.push(envelope);
    this.add(host, envelope);
  }

  /** Sends what this turn has gathered, and the reports that others want. */
  flush(): void {
    if (this.#gathered.size > 0) {
      const all = [...this.#gathered];
      this.#gathered.clear();
      for (const [host, envelopes] of all) this.#send(host, envelopes);
    }
    if (this.#owing.size > 0) {
      for (const host of this.#owing) {
        const link = this.#link(host);
        if (link.owes) this.#sendHead(host, link, link.reportHead());
      }
      this.#owing.clear();
    }
  }

  /** A frame has come, of so many bytes; `deliver` is called when its envelopes were not delivered before. */
  take(frame: Frame, bytes: number, deliver: () => void): void {
    const { from } = frame.head;
    const link = this.#link(from);
    const { fresh, replaced, missed } = link.hear(frame.head, costOfFrame(frame, bytes));
    this.#counters.missed += missed;
    if (fresh) {
      this.#counters.framesTaken += 1;
      deliver();
    } else if (frame.envelopes.length > 0) {
      this.#counters.doubled += 1;
    }
    if (replaced) this.#options.replaced(from);
    this.#handed(from, link);
    this.#release(from, link);
    if (link.owes) {
      this.#owing.add(from);
      this.#options.stir();
    }
  }

  /** In whose name envelopes leave now. */
  get incarnation(): number {
    return this.#options.standing().incarnation;
  }

  /** Takes back what has not left, and gives up what is on its way: this host is not who it was. */
  discard(): Envelope[] {
    const all = [...this.#gathered.values()].flat();
    this.#gathered.clear();
    this.#handing.clear();
    for (const link of this.#links.values()) {
      all.push(...link.lost());
      link.handed();
    }
    return all;
  }

  /** Nobody is there under this name: what waits for it is refused. */
  lost(host: string): void {
    const link = this.#links.get(host);
    for (const envelope of link?.lost() ?? []) this.#options.refused({ envelope, reason: "unreachable" });
    if (link !== undefined) this.#handed(host, link);
  }

  /** The way to a host (without a name: to all) was interrupted and is open again. */
  resumed(host?: string): void {
    const frame_bytes_max = this.#options.transport.frame_bytes_max;
    const smaller = frame_bytes_max < this.#frame_bytes_max;
    if (host === undefined) this.#frame_bytes_max = frame_bytes_max;
    for (const [other, link] of this.#links) {
      if (host !== undefined && host !== other) continue;
      const unpacked = smaller ? link.shrink(frame_bytes_max) : [];
      const probing = link.probing;
      link.resume();
      const probe = link.probeHead();
      // When the answer to a probe is that nobody is back yet, the next one leaves when links are looked at: else they would chase one another.
      if (probe !== undefined && (host === undefined || !probing)) this.#sendHead(other, link, probe);
      if (unpacked.length > 0) this.#send(other, unpacked);
      this.#lookLater(link);
    }
  }

  /** Sends all that waits, whether there is room or not, for nobody will be here to send it later. */
  close(): void {
    this.flush();
    for (const [host, link] of this.#links) link.release((bytes) => this.#options.transport.send(host, bytes), true);
    this.#closed = true;
    this.#look?.cancel();
    this.#look = undefined;
  }

  #link(host: string): Link {
    let link = this.#links.get(host);
    if (link === undefined) {
      link = new Link(this.#options.self, this.#life, this.#options.standing, this.#limits, this.#options.planted);
      this.#links.set(host, link);
    }
    return link;
  }

  #send(host: string, envelopes: readonly Envelope[]): void {
    const link = this.#link(host);
    const handing = this.#handing.get(host);
    let head = link.head();
    const loading: Loading = {
      frame_bytes_max: this.#options.transport.frame_bytes_max,
      admit: (more) => (link.waiting < this.#limits.waiting ? more : more.filter((envelope) => this.#admits(host, link, envelope))),
      head: () => {
        head = link.head(handing !== undefined);
        return head;
      },
      load: (bytes, loaded) => {
        link.load(head, bytes, loaded);
        this.#counters.frames += 1;
        this.#counters.envelopes += loaded.length;
        this.#counters.bytes += bytes.byteLength;
        this.#release(host, link);
      },
      refuse: (refused) => this.#refuse(host, refused),
    };
    packFrames(envelopes, loading);
    if (handing === undefined) return;
    this.#handing.delete(host);
    link.handOver(handing);
    this.#lookLater(link);
  }

  #handed(host: string, link: Link): void {
    if (!link.handing) return;
    const { taken, lost } = link.handed();
    for (const envelope of lost) this.handOver(host, envelope);
    if (taken.length > 0) this.#options.handedOver(taken);
  }

  #admits(host: string, link: Link, envelope: Envelope): boolean {
    const [kind] = envelope;
    const fits = kind === ANSWER ? link.waiting < this.#limits.waitingAnswers : kind !== TELL && kind !== ASK;
    if (!fits) this.#refuse(host, { envelope, reason: this.#options.transport.reachable(host) ? "overloaded" : "unreachable" });
    return fits;
  }

  #refuse(host: string, refused: Refused): void {
    const { envelope, reason } = refused;
    // The asker must not wait for an answer that cannot travel.
    if (envelope[0] === ANSWER && reason !== "unreachable")
      this.add(host, [FAILURE, envelope[1], reason, `answer: ${ASK_FAILURES[reason]}`]);
    else this.#options.refused(refused);
  }

  #release(host: string, link: Link): void {
    if (link.waiting === 0) return;
    link.release((bytes) => this.#options.transport.send(host, bytes));
    this.#lookLater(link);
  }

  /** Sends a frame without envelopes. */
  #sendHead(host: string, link: Link, head: FrameHead): void {
    const bytes = packFrame(head, []);
    if (bytes === undefined || !this.#options.transport.send(host, bytes)) return;
    this.#counters.reports += 1;
    link.answered(head);
  }

  /** While a link waits for the other side, a lost report must not let it wait for ever. */
  #lookLater(link: Link): void {
    if (this.#look !== undefined || this.#closed || (link.waiting === 0 && !link.probing && !link.handing)) return;
    this.#look = this.#options.clock.after(LINK_LOOK_MS, () => {
      this.#look = undefined;
      for (const [host, each] of this.#links) {
        const probe = each.due();
        if (probe !== undefined) this.#sendHead(host, each, probe);
        this.#lookLater(each);
      }
    });
  }
}

function costOfFrame({ envelopes }: Frame, bytes: number): number {
  return envelopes.length === 0 ? 0 : costOf(bytes, envelopes.length);
}
