import type { Message, Sender } from "./actor.ts";
import type { Address } from "./address.ts";
import { type Asks, NOBODY } from "./asks.ts";
import type { DeadLetterReason } from "./counters.ts";
import type { DeathWatch } from "./death-watch.ts";
import { ANSWER, ASK, CANCEL, type Envelope, FAILURE, type Frame, SIGNAL, TELL, UNWATCH, WATCH, WATCHED_ENDED } from "./envelope.ts";
import { unpackFrame } from "./frame.ts";
import type { Membership } from "./membership/membership.ts";
import type { Outbox } from "./outbox.ts";
import type { RemoteSenders } from "./remote-sender.ts";

/** Messages that wait for this host to learn of members that another knows of already; more are refused. System messages never are. */
const EARLY_MAX = 4_096;

/** What arrives needs of the host where it arrives. */
export interface ReceivingHost {
  readonly name: string;
  readonly membership: Membership | undefined;
  readonly outbox: Outbox;
  readonly asks: Asks;
  readonly remoteSenders: RemoteSenders;
  readonly deathWatch: DeathWatch;
  isStopping(): boolean;
  /** The address has an activation here, or is about to. */
  isHere(address: Address): boolean;
  placeOf(address: Address): string | undefined;
  /** For an actor of this host. */
  accept(to: Address, message: Message, sender: Sender): void;
  /** On to another host; `version` is the table by which it lives there. */
  pass(host: string, to: Address, message: Message, sender: Sender, version: number): void;
  /** A system message for an actor of this host. */
  notify(to: Address, message: Message): void;
  /** As `pass`, of a system message. */
  passOn(host: string, to: Address, message: Message, version: number): void;
  refuse(reason: DeadLetterReason, to: Address, message: Message, sender: Sender): void;
  /** Could not be read: of another version, or damaged. */
  unreadable(reason: string): void;
  deadLetter(reason: DeadLetterReason, envelope: Envelope): void;
}

interface Early {
  readonly to: Address;
  readonly message: Message;
  /** Undefined: a system message. */
  readonly sender: Sender | undefined;
  readonly forwarded: number | undefined;
  readonly view: number;
}

/** Takes what other hosts send: drops what comes from those that were removed, and finds the place of every message by what both hosts know of the members. */
export class Reception {
  readonly #host: ReceivingHost;
  /** For addresses that live here by a newer table than this host has. */
  readonly #early: Early[] = [];

  constructor(host: ReceivingHost) {
    this.#host = host;
  }

  hear(bytes: Uint8Array): void {
    const { membership, outbox } = this.#host;
    const frame = unpackFrame(bytes);
    if (typeof frame === "string") this.#host.unreadable(frame);
    else if (membership?.hears(frame.head.from, frame.head.incarnation) === false)
      for (const envelope of frame.envelopes) this.#host.deadLetter("fenced", envelope);
    else outbox.take(frame, bytes.byteLength, () => this.#deliver(frame));
  }

  /** The host has learned of other members: what came too early has a place now. */
  viewed(): void {
    for (const { to, message, sender, forwarded, view } of this.#early.splice(0)) {
      if (sender === undefined) this.#signalled(to, message, forwarded, view);
      else this.#receive(to, message, sender, forwarded, view);
    }
  }

  fenced(): void {
    for (const { to, message, sender } of this.#early.splice(0)) this.#host.refuse("fenced", to, message, sender ?? NOBODY);
  }

  #deliver({ head: { from, view }, envelopes }: Frame): void {
    const { asks, deathWatch, remoteSenders } = this.#host;
    for (const envelope of envelopes) {
      if (envelope[0] === TELL) this.#receive(envelope[1], envelope[2], NOBODY, envelope[3], view);
      else if (envelope[0] === ASK) this.#asked(from, view, envelope);
      else if (envelope[0] === ANSWER) asks.answered(envelope[1], envelope[2]);
      else if (envelope[0] === FAILURE) asks.failed(envelope[1], envelope[2], envelope[3]);
      else if (envelope[0] === SIGNAL) this.#signalled(envelope[1], envelope[2], envelope[3], view);
      else if (envelope[0] === CANCEL) remoteSenders.cancel(from, envelope[1]);
      else if (envelope[0] === WATCH) deathWatch.watchedFrom(from, envelope[1], envelope[2]);
      else if (envelope[0] === UNWATCH) deathWatch.unwatchedFrom(from, envelope[1], envelope[2]);
      else if (envelope[0] === WATCHED_ENDED) deathWatch.endedAfar(envelope[1]);
      else this.#host.unreadable(`an envelope of kind ${String(envelope[0])} from ${from}`);
    }
  }

  #asked(
    from: string,
    view: number,
    [, to, message, id, forwarded, cancellable]: Extract<Envelope, readonly [typeof ASK, ...unknown[]]>,
  ): void {
    const sender = this.#host.remoteSenders.of(from, id, cancellable === true);
    this.#receive(to, message, sender, forwarded === false ? undefined : forwarded, view);
  }

  /** `forwarded`: by which table the host that sends it on found its place here; `view`: by which table its sender did. */
  #receive(to: Address, message: Message, sender: Sender, forwarded: number | undefined, view: number): void {
    const { name, membership } = this.#host;
    const place = this.#host.placeOf(to);
    const version = membership?.version ?? 0;
    // Handlers look at nothing before the type, so this is all that must hold of a message of another version.
    if (typeof message?.type !== "string") this.#host.refuse("unknown-message", to, message, sender);
    else if (this.#host.isStopping()) this.#host.accept(to, message, sender);
    else if (this.#isEarly(forwarded ?? view) && this.#early.length < EARLY_MAX) this.#early.push({ to, message, sender, forwarded, view });
    else if (membership?.incarnation === 0) this.#host.refuse("fenced", to, message, sender);
    else if (place === name || this.#host.isHere(to)) this.#host.accept(to, message, sender);
    else if (place === undefined || (forwarded !== undefined && forwarded >= version))
      this.#host.refuse("unreachable", to, message, sender);
    else this.#host.pass(place, to, message, sender, version);
  }

  /** A system message, which moves with its address: so what an actor goes on with elsewhere may be here before the news that it lives here now. */
  #signalled(to: Address, message: Message, forwarded: number | undefined, view: number): void {
    const { name, membership } = this.#host;
    const place = this.#host.placeOf(to);
    const version = membership?.version ?? 0;
    if (this.#isEarly(forwarded ?? view)) this.#early.push({ to, message, sender: undefined, forwarded, view });
    else if (place === name) this.#host.notify(to, message);
    else if (place === undefined || (forwarded !== undefined && forwarded >= version))
      this.#host.refuse("unreachable", to, message, NOBODY);
    else this.#host.passOn(place, to, message, version);
  }

  /**
   * Others know already that this host has joined, or of newer members. To send it where it lived before would be to send it round in circles, and what
   * its sender sends after it could be there first.
   */
  #isEarly(version: number): boolean {
    const { membership } = this.#host;
    return !this.#host.isStopping() && (membership?.incarnation === 0 || version > (membership?.version ?? 0));
  }
}
