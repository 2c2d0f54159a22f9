import type { ActorKind, AskOptions, ChildFailed, Logger, Message, Messenger, Sender } from "./actor.ts";
import { type Address, keyOf, kindOf } from "./address.ts";
import { ASK_FAILURES } from "./ask-failed.ts";
import { ASK_DEADLINE_MS, Asks, FIRST_ID_BELOW, NOBODY } from "./asks.ts";
import type { Activatable, CellHost, KindOnHost } from "./cell-host.ts";
import { Cells, endAll, STOP_GRACE_MS } from "./cells.ts";
import { addUp, DEAD_LETTER_REASONS, type DeadLetterReason, type HostCounters, KindMeasures, noLinkCounters } from "./counters.ts";
import { type DeadLetterListener, DeadLetters } from "./dead-letters.ts";
import { DeathWatch } from "./death-watch.ts";
import type { Directory } from "./directory.ts";
import { ANSWER, ASK, CANCEL, type Envelope, FAILURE, type Refused, SIGNAL, TELL, UNWATCH, WATCH, WATCHED_ENDED } from "./envelope.ts";
import type { EventLoopState } from "./event-loop.ts";
import { Idleness } from "./idleness.ts";
import type { LinkLimits } from "./link.ts";
import { withFields } from "./log.ts";
import type { Membership } from "./membership/membership.ts";
import { Outbox } from "./outbox.ts";
import type { PlantedFault } from "./planted-fault.ts";
import { Reception } from "./reception.ts";
import { RemoteSenders } from "./remote-sender.ts";
import { foremost, type HostSnapshot, type SnapshotOptions } from "./snapshot.ts";
import type { Clock, Random } from "./time.ts";
import type { Transport } from "./transport.ts";
import { TurnLoop, type Turns } from "./turn-loop.ts";

/** How long a host that has ended its actors tries to take itself out of the table of members; then the others must find out. */
const LEAVE_GRACE_MS = 1_000;

/** A host says that it has let go of what moved away when it still has no more than so many, which it names: they would wait for the slowest turn otherwise. */
const HOLDING_MAX = 128;

/** Epochs made in one millisecond before they run ahead of the clock, from which they start so that they grow across restarts of a host. */
const EPOCHS_PER_MS = 1_000;

/** What has no receiver that could be named, for the log. */
const NAMES_OF_NEWS = {
  [ANSWER]: "answer to ask",
  [FAILURE]: "failure of ask",
  [CANCEL]: "cancelling of ask",
  [WATCH]: "watch on",
  [UNWATCH]: "end of the watch on",
  [WATCHED_ENDED]: "end of the activation watched as",
} as const;

export interface HostOptions {
  /** Unique among the hosts of a cluster; letters, digits, `-` and `_`. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Where addresses live, for hosts that are always the same. Without one and without a membership, everything lives here. */
  readonly directory?: Directory;
  /** The host's part in a cluster whose hosts come and go. It is the host's from now on: joined when the transport listens, left in `stop`. */
  readonly membership?: Membership;
  /** How to reach other hosts. Without one, none can be reached. */
  readonly transport?: Transport;
  /** The turns of the event loop; those of this thread by default. */
  readonly turns?: Turns;
  /** What the event loop does with its time, for the counters: `watchEventLoop().read`. */
  readonly eventLoop?: () => EventLoopState;
  /** Hears of actors that were given up and whose kind names no supervisor. Without it they are logged. */
  readonly escalated?: (failure: ChildFailed) => void;
  /** Hears of every dead letter, also of those that the log only counts. */
  readonly deadLetter?: DeadLetterListener;
  /** How much may be on its way to another host, and wait for it; LINK_LIMITS by default. */
  readonly linkLimits?: LinkLimits;
  /** For the simulator's own test alone. */
  readonly planted?: PlantedFault | undefined;
}

/**
 * One event loop full of actors. It finds the actor of an address, here or on the host that the directory names, activates it on its first
 * message, and lets the actors that have messages take turns. What a kind promises about turns is in cell.ts, about fairness in turn-loop.ts.
 */
export class Host {
  readonly name: string;
  /** Tells and asks for code that is not an actor (the doors). Refused once the host is stopping. */
  readonly messenger: Messenger;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #directory: Directory | undefined;
  readonly #membership: Membership | undefined;
  readonly #transport: Transport | undefined;
  readonly #eventLoop: (() => EventLoopState) | undefined;
  readonly #escalated: ((failure: ChildFailed) => void) | undefined;
  readonly #kinds = new Map<string, KindOnHost>();
  readonly #cells: Cells;
  /** Addresses that live elsewhere, whose hosts are not known to have what they go on with. */
  readonly #handing = new Set<Address>();
  readonly #reception: Reception | undefined;
  readonly #loop: TurnLoop;
  readonly #asks: Asks;
  readonly #outbox: Outbox | undefined;
  readonly #remoteSenders: RemoteSenders | undefined;
  readonly #deathWatch: DeathWatch;
  readonly #idleness: Idleness;
  readonly #deadLetters: DeadLetters;
  readonly #cellHost: CellHost;
  readonly #unwatch: () => void;
  readonly #listening: Promise<void>;
  #epoch = 0;
  #stopping: Promise<void> | undefined = undefined;

  constructor(options: HostOptions) {
    const { name, clock, random, membership, transport } = options;
    const directory = membership?.directory ?? options.directory;
    this.name = name;
    this.#clock = clock;
    this.#directory = directory;
    this.#membership = membership;
    this.#transport = transport;
    this.#eventLoop = options.eventLoop;
    this.#escalated = options.escalated;
    this.#log = withFields(options.log, { host: name });
    this.#deadLetters = new DeadLetters(this.#log, clock, options.deadLetter);
    this.#loop = new TurnLoop(clock, () => this.#outbox?.flush(), options.turns);
    this.#asks = new Asks(
      clock,
      random,
      (host) => transport?.reachable(host) ?? false,
      (host, id) => this.#outbox?.add(host, [CANCEL, id]),
    );
    this.#idleness = new Idleness(clock);
    this.#deathWatch = new DeathWatch(
      {
        self: name,
        placeOf: (address) => this.#placeOf(address),
        send: (host, envelope) => this.#outbox?.add(host, envelope),
      },
      random.below(FIRST_ID_BELOW),
    );
    this.#outbox =
      transport &&
      new Outbox({
        self: name,
        transport,
        clock,
        random,
        standing: () => ({ incarnation: membership?.incarnation ?? 0, view: membership?.version ?? 0 }),
        stir: () => this.#loop.stir(),
        refused: (refused) => this.#notSent(refused),
        handedOver: (envelopes) => this.#handedOver(envelopes),
        replaced: (host) => this.#replaced(host),
        limits: options.linkLimits,
        planted: options.planted,
      });
    this.#remoteSenders = this.#outbox && new RemoteSenders(this.#outbox);
    this.messenger = {
      tell: (to, message) => this.#fromDoor(to, message, NOBODY),
      ask: (to, message, ask) => this.#ask(to, ask, (sender) => this.#fromDoor(to, message, sender)),
    };
    this.#cellHost = {
      clock,
      random,
      planted: options.planted,
      logOf: (address) => withFields(this.#log, { actor: address }),
      nextEpoch: () => membership?.nextEpoch() ?? this.#nextEpoch(),
      mayActivate: (cell) => this.#mayActivate(cell),
      idleness: this.#idleness,
      isTimeUp: () => this.#loop.isTimeUp(),
      ready: (runnable) => this.#loop.add(runnable),
      atTurnEnd: (fire) => this.#loop.atEnd(fire),
      gone: (address, kind, movesWith) => this.#gone(address, kind, movesWith),
      tell: (to, message) => this.#route(to, message, NOBODY),
      ask: (to, message, ask) => this.#ask(to, ask, (sender) => this.#route(to, message, sender)),
      forward: (to, message, sender) => this.#route(to, message, sender),
      watch: (address, tell) => this.#deathWatch.watch(address, tell),
      ended: (address) => this.#deathWatch.ended(address),
      notify: (to, message) => this.#notify(to, message),
      escalate: (child, kind, error) => this.#escalate(child, kind, error),
      refuse: (reason, to, message, sender, kind) => this.#refuse(reason, to, message, sender, kind),
    };
    this.#cells = new Cells(this.#cellHost);
    this.#reception = this.#newReception();
    this.#unwatch = membership === undefined ? (directory?.watch((moved) => this.#letGo(moved)) ?? (() => undefined)) : () => undefined;
    if (membership !== undefined) this.#loop.lease(Number.NEGATIVE_INFINITY);
    membership?.attach({
      viewed: (lost) => this.#viewed(membership, lost),
      mayHaveMore: () => this.#cells.wake((address) => membership.mayActivate(address)),
      leased: (until_ms) => this.#loop.lease(until_ms),
      fenced: () => this.#fence(),
    });
    const listening =
      transport?.listen({
        frame: (bytes) => this.#reception?.hear(bytes),
        unreadable: (reason) => this.#deadLetters.addUnreadable(reason),
        lost: (host) => this.#lost(host),
        resumed: (host) => this.#outbox?.resumed(host),
      }) ?? Promise.resolve();
    this.#listening = membership === undefined ? listening : listening.then(() => membership.join());
    // Whoever awaits `ready` hears of it; the rest of the host works all the same.
    this.#listening.catch((error: unknown) => this.#log.error({ err: error }, "the transport does not listen"));
  }

  /** Offers a kind of actor. Throws when the kind is offered already. */
  register<M extends Message>(kind: ActorKind<M>): void {
    if (kind.kind === "" || kind.kind.includes("/")) throw new RangeError(`kind "${kind.kind}": empty or with a slash`);
    if (this.#kinds.has(kind.kind)) throw new Error(`kind ${kind.kind} is registered already`);
    this.#kinds.set(kind.kind, { definition: kind, measures: new KindMeasures(), closed: false });
  }

  /** Resolves when what other hosts send from now on arrives here, and this host is a member where it has a membership. */
  ready(): Promise<void> {
    return this.#listening;
  }

  /** What happened here so far: a copy. */
  counters(): HostCounters {
    const kinds = Object.fromEntries([...this.#kinds].map(([kind, { measures }]) => [kind, measures.counters()]));
    return {
      ...addUp(Object.values(kinds)),
      kinds,
      deadLetters: { ...this.#deadLetters.counts },
      asksWaiting: this.#asks.waiting,
      lateAnswers: this.#asks.late,
      blocks: this.#loop.blocks.counts(),
      ...(this.#eventLoop === undefined ? {} : { eventLoop: this.#eventLoop() }),
      links: this.#outbox?.counters() ?? noLinkCounters(),
    };
  }

  /** What happens here now: the counters, and the actors that most deserve a look. */
  async snapshot(options?: SnapshotOptions): Promise<HostSnapshot> {
    const actors = await foremost(this.#cells.all(), this.#clock, options);
    return { host: this.name, taken_ms: this.#clock.monotonic_ms(), counters: this.counters(), ...actors };
  }

  /** Addresses that are active here, of one kind or of all. */
  addresses(kind?: string): Address[] {
    const all = [...this.#cells.addresses()];
    return kind === undefined ? all : all.filter((address) => kindOf(address) === kind);
  }

  /**
   * Stops all actors: kind after kind, the last registered first, so that an actor can still reach those it was built upon while it stops. Refuses
   * messages from doors and other hosts at once. Then ends all asks (`unreachable`), and leaves the members and the transport.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Gives its addresses, with the messages that wait, to the other members that offer their kinds; then stops. */
  async leave(): Promise<void> {
    if (this.#membership !== undefined && this.#stopping === undefined) {
      const late = Promise.withResolvers<void>();
      const grace = this.#clock.after(STOP_GRACE_MS, () => {
        this.#log.warn(
          { left: this.#cells.leaving.size, first: [...this.#cells.leaving][0] },
          "not everything could be handed over in time",
        );
        late.resolve();
      });
      const handedOver = this.#membership.handOver().then(() => this.#asks.relayed());
      await Promise.race([handedOver, late.promise]);
      grace.cancel();
    }
    await this.stop();
  }

  #newReception(): Reception | undefined {
    if (this.#outbox === undefined || this.#remoteSenders === undefined) return undefined;
    return new Reception({
      name: this.name,
      membership: this.#membership,
      outbox: this.#outbox,
      asks: this.#asks,
      remoteSenders: this.#remoteSenders,
      deathWatch: this.#deathWatch,
      isStopping: () => this.#stopping !== undefined,
      isHere: (address) => this.#cells.get(address) !== undefined,
      placeOf: (address) => this.#placeOf(address),
      accept: (to, message, sender) => this.#fromDoor(to, message, sender),
      pass: (host, to, message, sender, version) => this.#send(host, to, message, sender, version),
      notify: (to, message) => this.#notify(to, message),
      passOn: (host, to, message, version) => this.#outbox?.add(host, [SIGNAL, to, message, version]),
      refuse: (reason, to, message, sender) => this.#refuse(reason, to, message, sender, undefined),
      unreadable: (reason) => this.#deadLetters.addUnreadable(reason),
      deadLetter: (reason, envelope) => this.#deadLetter(reason, envelope),
    });
  }

  #fromDoor(to: Address, message: Message, sender: Sender): void {
    if (this.#stopping === undefined) this.#route(to, message, sender);
    else this.#refuse("stopped", to, message, sender, undefined);
  }

  #route(to: Address, message: Message, sender: Sender): void {
    const cell = this.#cells.get(to);
    if (cell !== undefined) cell.offer(message, sender);
    else this.#routeBeyond(to, message, sender);
  }

  /** To an address that is not active here: activate it, or send the message to where it lives. */
  #routeBeyond(to: Address, message: Message, sender: Sender): void {
    const place = this.#placeOf(to);
    const kind = this.#kinds.get(kindOf(to));
    if (this.#membership?.incarnation === 0) this.#refuse("fenced", to, message, sender, kind);
    else if (place === undefined) this.#refuse("unknown-kind", to, message, sender, kind);
    else if (place !== this.name) this.#send(place, to, message, sender);
    else if (kind === undefined) this.#refuse("unknown-kind", to, message, sender, kind);
    else if (kind.closed) this.#refuse("stopped", to, message, sender, kind);
    else this.#cells.at(to, kind).offer(message, sender);
  }

  /** A system message, to wherever the address lives. */
  #notify(to: Address, message: Message): void {
    const place = this.#placeOf(to);
    const kind = this.#kinds.get(kindOf(to));
    if (this.#membership?.incarnation === 0) this.#refuse("fenced", to, message, NOBODY, kind);
    else if (place === this.name && kind !== undefined && !kind.closed) this.#cells.at(to, kind).notify(message);
    else if (place !== undefined && place !== this.name && this.#outbox !== undefined) this.#outbox.add(place, [SIGNAL, to, message]);
    else this.#refuse(kind === undefined ? "unknown-kind" : "stopped", to, message, NOBODY, kind);
  }

  /** As `notify`, of what an actor goes on with elsewhere: until that is there, nobody begins the address anew. */
  #handOver(address: Address, message: Message): void {
    const place = this.#placeOf(address);
    if (this.#outbox === undefined || this.#membership === undefined || place === undefined || place === this.name) {
      this.#notify(address, message);
    } else if (this.#membership.incarnation === 0) {
      this.#refuse("fenced", address, message, NOBODY, this.#kinds.get(kindOf(address)));
    } else {
      this.#handing.add(address);
      this.#outbox.handOver(place, [SIGNAL, address, message]);
    }
  }

  #handedOver(envelopes: readonly Envelope[]): void {
    for (const [kind, address] of envelopes) if (kind === SIGNAL) this.#handing.delete(address);
    if (this.#membership !== undefined) this.#released(this.#membership);
  }

  #escalate(child: Address, kind: KindOnHost, error: string): void {
    kind.measures.escalations += 1;
    const failure: ChildFailed = { type: "childFailed", child, error };
    const supervisor = kind.definition.supervisor?.(keyOf(child));
    if (supervisor !== undefined) this.#notify(supervisor, failure);
    else if (this.#escalated !== undefined) this.#escalated(failure);
    else this.#log.error({ actor: child, error }, "an actor was given up, and nobody supervises it");
  }

  #placeOf(address: Address): string | undefined {
    return this.#directory === undefined ? this.name : this.#directory.placeOf(address);
  }

  #send(host: string, to: Address, message: Message, sender: Sender, ...forwarded: [version?: number]): void {
    if (this.#outbox === undefined) this.#refuse("unreachable", to, message, sender, undefined);
    else if (sender === NOBODY) this.#outbox.add(host, [TELL, to, message, ...forwarded]);
    else {
      const id = this.#asks.sentTo(host, to, sender);
      const cancellable = this.#asks.isCancellable(sender);
      this.#outbox.add(host, cancellable ? [ASK, to, message, id, forwarded[0] ?? false, true] : [ASK, to, message, id, ...forwarded]);
    }
  }

  #ask<Answer>(to: Address, options: AskOptions | undefined, send: (sender: Sender) => void): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      // The caller says which type the answer has; the contract between asker and asked is their messages' union.
      const ask = this.#asks.open(to, options?.deadline_ms ?? ASK_DEADLINE_MS, resolve as (value: unknown) => void, reject);
      const signal = options?.signal;
      if (signal?.aborted === true) {
        ask.cancel();
        return;
      }
      if (signal !== undefined) this.#asks.cancelOn(signal, ask);
      send(ask);
    });
  }

  /** Nobody is there under this name any more, or not who was. */
  #lost(host: string): void {
    this.#outbox?.lost(host);
    this.#asks.lost(host);
    this.#remoteSenders?.lost(host);
    this.#deathWatch.lost(host);
  }

  /** Somebody else is there under this name. */
  #replaced(host: string): void {
    this.#asks.lost(host);
    this.#remoteSenders?.lost(host);
    this.#deathWatch.lost(host);
    this.#deathWatch.removed(host);
  }

  /** What did not leave. */
  #notSent({ envelope, reason }: Refused): void {
    if (envelope[0] === ASK) this.#asks.failed(envelope[3], reason, `${envelope[1]}: ${ASK_FAILURES[reason]}`);
    else if (envelope[0] === WATCH) this.#deathWatch.endedAfar(envelope[2]);
    else this.#deadLetter(reason, envelope);
  }

  #deadLetter(reason: DeadLetterReason, envelope: Envelope): void {
    if (envelope[0] === TELL || envelope[0] === ASK || envelope[0] === SIGNAL)
      this.#deadLetters.add(reason, envelope[1], envelope[2], undefined);
    else this.#deadLetters.add(reason, `${NAMES_OF_NEWS[envelope[0]]} ${envelope[1]}`, undefined, undefined);
  }

  #refuse(reason: DeadLetterReason, to: Address, message: Message, sender: Sender, kind: KindOnHost | undefined): void {
    if (sender === NOBODY || reason === "unknown-message") this.#deadLetters.add(reason, to, message, kind?.measures.deadLetters);
    const code = DEAD_LETTER_REASONS[reason];
    sender.fail(code, `${to}: ${ASK_FAILURES[code]}`);
  }

  #nextEpoch(): number {
    this.#epoch = Math.max(this.#epoch + 1, Math.floor(this.#clock.now_ms()) * EPOCHS_PER_MS);
    return this.#epoch;
  }

  #gone(address: Address, kind: KindOnHost, movesWith: Message | undefined): void {
    const hasLeft = this.#cells.gone(address, kind);
    if (movesWith !== undefined) this.#handOver(address, movesWith);
    if (hasLeft && this.#membership !== undefined) this.#released(this.#membership);
  }

  #mayActivate(cell: Activatable): boolean {
    if (this.#membership?.mayActivate(cell.address) !== false) return true;
    this.#cells.wait(cell);
    return false;
  }

  /** Other members: what waits for an answer of those that are gone hears of it, and what lives elsewhere now ends here. */
  #viewed(membership: Membership, lost: readonly string[]): void {
    for (const host of lost) {
      this.#lost(host);
      this.#deathWatch.removed(host);
    }
    // What was meant for a host that leaves is ahead of the news that this one knows.
    this.#outbox?.flush();
    this.#cells.moveOut((address) => this.#placeOf(address) === this.name);
    this.#deathWatch.moved(this.#hosts());
    this.#released(membership);
    this.#reception?.viewed();
  }

  #released(membership: Membership): void {
    if (this.#cells.leaving.size + this.#handing.size > HOLDING_MAX) return;
    membership.released([...new Set([...this.#cells.leaving, ...this.#handing])]);
  }

  /** This host was removed: whatever its actors are at, it is not theirs to do any more. Resolves when no turn is in progress. */
  #fence(): Promise<void> {
    const cells = this.#cells.abandon();
    this.#handing.clear();
    this.#deathWatch.clear();
    this.#reception?.fenced();
    for (const envelope of this.#outbox?.discard() ?? []) {
      if (envelope[0] === ASK) this.#asks.failed(envelope[3], "unreachable", `${envelope[1]}: ${ASK_FAILURES.unreachable}`);
      else this.#deadLetter("fenced", envelope);
    }
    const late = "actors of a host that was removed did not end their turns in time";
    return endAll(cells, (cell, over) => cell.fence(over), { clock: this.#clock, log: this.#log, late });
  }

  #hosts(): ReadonlySet<string> {
    return new Set(this.#directory?.members.map(({ host }) => host));
  }

  /** Stops the actors whose addresses live on another host now; their waiting messages follow them. */
  #letGo(moved: (address: Address) => boolean): void {
    for (const cell of [...this.#cells.all()]) if (moved(cell.address)) cell.evict("moved");
    this.#deathWatch.moved(this.#hosts());
  }

  async #stop(): Promise<void> {
    this.#unwatch();
    for (const kind of [...this.#kinds.values()].reverse()) {
      kind.closed = true;
      await this.#stopKind(kind);
    }
    this.#idleness.close();
    this.#asks.close();
    this.#outbox?.close();
    this.#loop.close();
    // What was sent must be on its way before others see that this host has left, and hear no more from it.
    await this.#transport?.close();
    // While an actor of it is at something, nobody may take its place yet.
    if (this.#cells.size > 0) this.#membership?.abandon();
    else await this.#membership?.leave(LEAVE_GRACE_MS);
  }

  #stopKind(kind: KindOnHost): Promise<void> {
    const cells = [...this.#cells.all()].filter((cell) => cell.kind === kind);
    const late = "left actors behind that did not stop in time";
    return endAll(cells, (cell, over) => cell.evict("host", over), { clock: this.#clock, log: this.#log, late });
  }
}
