import type { Envelope, FrameHead, Standing } from "./envelope.ts";
import type { PlantedFault } from "./planted-fault.ts";

/**
 * What one host may have on its way to another: the sum of its frames' costs. Enough that a fast receiver never lets the sender
 * wait (a round trip of 10 ms at 400 MB/s), little enough to wait in a socket for a receiver that is slow.
 */
export const WINDOW_COST: number = 4 * 1024 * 1024;

/** Beyond the window this much waits for one host; what more is told or asked is refused. */
export const WAITING_COST_MAX: number = 8 * 1024 * 1024;

/** Answers are refused only beyond this, because what they answer has been done already. They are bounded by what the other host asked. */
export const WAITING_ANSWERS_COST_MAX: number = 16 * 1024 * 1024;

/** What an envelope costs beside its bytes: with it, one number bounds both the bytes and the count. */
export const ENVELOPE_COST = 64;

/** How much one host may have for another. */
export interface LinkLimits {
  readonly window: number;
  readonly waiting: number;
  readonly waitingAnswers: number;
}

export const LINK_LIMITS: LinkLimits = { window: WINDOW_COST, waiting: WAITING_COST_MAX, waitingAnswers: WAITING_ANSWERS_COST_MAX };

/** The sender wants to know where the receiver stands so often while it sends one window. */
const REPORTS_PER_WINDOW = 8;

/** `wants` of an ordinary frame; larger numbers are those of probes. */
const WANTS_REPORT = 1;

/** What a frame costs: its bytes, and its envelopes. */
export function costOf(bytes: number, envelopes: number): number {
  return bytes + envelopes * ENVELOPE_COST;
}

/** A packed frame that the other host is not known to have taken in. */
interface Loaded {
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly cost: number;
  /** Only while it waits for the first time, so that what is on its way holds on to no objects. */
  envelopes: readonly Envelope[];
  /** The `wants` of theirs that its head answers. */
  readonly heardFor: number;
  /** In whose name it was packed: another incarnation than the present one is not heard. */
  readonly incarnation: number;
  /** It was sent to the life that `#theirs` names, so that it may be sent to this one again. */
  known: boolean;
}

/** System messages with which actors go on elsewhere, and where the last of them ends. */
interface Handed {
  readonly position: number;
  readonly envelopes: readonly Envelope[];
}

/** What a frame that came in turned out to be, and what it told. */
export interface Heard {
  /** Its envelopes are to be delivered: they were not before. */
  readonly fresh: boolean;
  /** The other host has started anew: what was on its way to its former life is lost. */
  readonly replaced: boolean;
  /** Cost of frames that were sent before this one and did not arrive. */
  readonly missed: number;
}

/**
 * One host's end of what it and another say to one another. It decides, and does nothing: outbox.ts packs, sends and keeps the time.
 *
 * **What is promised.** Frames of one life of a host are taken in by one life of another in the order of sending, each at most once. At most
 * WINDOW_COST of them are on their way; WAITING_COST_MAX more wait. *Taken in* means put into mailboxes (or refused there), which never
 * waits for an actor, so a full window opens as soon as the other event loop turns: no cycle of hosts can hold one another up.
 *
 * **How.** Each direction has a running position, counted in cost by the sender. A frame says where it begins; the receiver remembers
 * where the last one ended, so a frame that begins before that has come twice and is dropped, and one that begins after it shows that
 * others are lost: what is lost never counts as on its way for longer than until the next report. A report is the receiver's position in
 * the head of a frame, its own or one that it sends anyway. Counts are cumulative, so a lost report is made up for by the next.
 *
 * When reports stay away while frames wait, or when the way was interrupted, the sender sends a **probe** (a frame without envelopes), and
 * nothing else until its report comes. Order is kept, so that what was sent before the probe and is not in its report is lost: it is sent again, to the
 * same life of the receiver only. A receiver that started anew is recognised by its life number; what was on its way to the former one is given up.
 */
export class Link {
  readonly #self: string;
  readonly #life: number;
  readonly #standing: () => Standing;
  readonly #limits: LinkLimits;
  readonly #planted: PlantedFault | undefined;
  /** Their life as last heard, or 0. */
  #theirs = 0;
  /** `#theirs` is alive as far as is known; false before it was first heard, and after it was lost. */
  #known = false;
  /** Up to here their frames were taken in. */
  #heard = 0;
  /** The `wants` of theirs that is not answered yet, or 0. */
  #owed = 0;

  /** Up to here the other host has taken in what was sent to its present life. Invariant: #taken <= #reported. */
  #taken = 0;
  /** Invariant: #reported <= #sent <= #end; #sent - #reported is the cost of #away and of what was given up, #end - #sent that of #waiting. */
  #reported = 0;
  #sent = 0;
  #end = 0;
  #away: Loaded[] = [];
  #waiting: Loaded[] = [];
  /** Position after which a frame asks for a report again. */
  #reportAt = 0;
  /** The number of the probe whose report is awaited, or 0. */
  #probe = 0;
  #lastProbe = WANTS_REPORT;
  /** #reported when `due` was last called. */
  #before = -1;
  /** What the other host is not known to have taken in, and that somebody waits for; ascending. */
  #handing: Handed[] = [];

  constructor(self: string, life: number, standing: () => Standing, limits: LinkLimits = LINK_LIMITS, planted?: PlantedFault) {
    this.#self = self;
    this.#life = life;
    this.#standing = standing;
    this.#limits = limits;
    this.#planted = planted;
  }

  /** Cost of what waits for the window, or for the way. */
  get waiting(): number {
    return this.#end - this.#sent;
  }

  /** Cost of what is on its way. */
  get away(): number {
    return this.#sent - this.#reported;
  }

  /** Nothing waits, and what is loaded now may leave now. */
  get open(): boolean {
    return this.#waiting.length === 0 && this.#maySend();
  }

  /** A report is owed to the other host. */
  get owes(): boolean {
    return this.#owed !== 0;
  }

  /** Somebody waits for what was handed over to be taken in. */
  get handing(): boolean {
    return this.#handing.length > 0;
  }

  /** The head of the next frame to be loaded; `pressing`: it is wanted to be known soon that it was taken in. */
  head(pressing = false): FrameHead {
    // A frame that waits must not carry off the answer to a probe: the other side may be waiting for just that.
    return this.#headAt(this.#end, pressing || this.#end >= this.#reportAt || !this.#known ? WANTS_REPORT : 0, this.open);
  }

  /** These were in what was loaded last: `handed` says when they were taken in. */
  handOver(envelopes: readonly Envelope[]): void {
    this.#handing.push({ position: this.#end, envelopes });
  }

  /** What was handed over and is taken in by now, or is lost although the other host is there and is to be handed over anew. Each is told once. */
  handed(): { readonly taken: readonly Envelope[]; readonly lost: readonly Envelope[] } {
    const done = this.#handing.filter(({ position }) => position <= this.#reported);
    if (done.length > 0) this.#handing = this.#handing.slice(done.length);
    const isTaken = ({ position }: Handed): boolean => position <= this.#taken;
    const of = (handed: readonly Handed[]): Envelope[] => handed.flatMap(({ envelopes }) => envelopes);
    return { taken: of(done.filter(isTaken)), lost: of(done.filter((one) => !isTaken(one))) };
  }

  /** The head of a frame without envelopes, with which a report is made or a probe answered. */
  reportHead(): FrameHead {
    return this.#headAt(this.#reported, 0, true);
  }

  /** Takes a frame that was packed with `head`, the latest. */
  load(head: FrameHead, bytes: Uint8Array, envelopes: readonly Envelope[]): void {
    const { position, heardFor, incarnation } = head;
    const cost = costOf(bytes.byteLength, envelopes.length);
    this.#waiting.push({ bytes, position, cost, envelopes, heardFor, incarnation, known: false });
    if (position >= this.#reportAt) this.#reportAt = position + this.#limits.window / REPORTS_PER_WINDOW;
    this.#end = position + cost;
  }

  /** Hands what may leave to `send`, oldest first, until it says that the way is interrupted. A host that leaves may leave all behind. */
  release(send: (bytes: Uint8Array) => boolean, leaving = false): void {
    let count = 0;
    for (const loaded of this.#waiting) {
      if (!leaving && !this.#maySend()) break;
      if (!send(loaded.bytes)) break;
      count += 1;
      loaded.envelopes = [];
      loaded.known = this.#known;
      this.#sent = loaded.position + loaded.cost;
      this.#away.push(loaded);
      if (loaded.heardFor === this.#owed) this.#owed = 0;
    }
    if (count > 0) this.#waiting.splice(0, count);
  }

  /** A frame has come, with this cost of its own. */
  hear(head: FrameHead, cost: number): Heard {
    const replaced = this.#known && head.life !== this.#theirs;
    if (head.life !== this.#theirs) {
      this.#theirs = head.life;
      this.#heard = head.position;
    }
    if (replaced) {
      this.#giveUpAway();
      this.#taken = this.#sent;
    }
    this.#known = true;
    if (head.wants !== 0) this.#owed = head.wants;
    if (head.heardLife === this.#life) this.#report(head.heard, head.heardFor);
    if (cost === 0) return { fresh: false, replaced, missed: 0 };
    if (head.position < this.#heard) return { fresh: false, replaced, missed: 0 };
    const missed = head.position - this.#heard;
    this.#heard = head.position + cost;
    return { fresh: true, replaced, missed };
  }

  /** The report that is owed is on its way, in a frame of this head. */
  answered(head: FrameHead): void {
    if (head.heardFor === this.#owed) this.#owed = 0;
  }

  /** What was sent lately may be lost. Until the other host has been heard nothing but probes leaves. */
  resume(): void {
    if (!this.#known) this.#giveUpAway();
    if (this.#probe === 0 && this.#away.length + this.#waiting.length > 0) this.#beginProbe();
  }

  /** To be called now and then while `waiting`, `handing` or `probing`: the head of a probe that is to be sent, when one is. */
  due(): FrameHead | undefined {
    if (this.#probe === 0 && (this.#waiting.length > 0 || this.handing) && this.#before === this.#reported) this.#beginProbe();
    this.#before = this.#reported;
    return this.probeHead();
  }

  /** The head of the probe whose report is awaited. */
  probeHead(): FrameHead | undefined {
    return this.#probe === 0 ? undefined : this.#headAt(this.#reported, this.#probe, true);
  }

  get probing(): boolean {
    return this.#probe !== 0;
  }

  /** Nobody is there, or nobody who may be sent to: gives everything up, and returns the envelopes that never left. */
  lost(): Envelope[] {
    const never = this.#waiting.flatMap(({ envelopes }) => envelopes);
    this.#waiting = [];
    this.#giveUpAway();
    this.#reported = this.#end;
    this.#sent = this.#end;
    this.#probe = 0;
    this.#known = false;
    this.#owed = 0;
    this.#taken = this.#end;
    return never;
  }

  /** Frames must not be larger than this any more: returns the envelopes of those that wait, to be packed anew, and gives up what was sent once. */
  shrink(frame_bytes_max: number): Envelope[] {
    const fits = ({ bytes }: Loaded): boolean => bytes.byteLength <= frame_bytes_max;
    this.#away = this.#away.filter(fits);
    if (this.#waiting.every(fits)) return [];
    const never = this.#waiting.flatMap(({ envelopes }) => envelopes);
    this.#waiting = [];
    this.#end = this.#sent;
    return never;
  }

  #maySend(): boolean {
    return this.#probe === 0 && this.away < this.#limits.window;
  }

  #headAt(position: number, wants: number, answers: boolean): FrameHead {
    const heardFor = answers ? this.#owed : 0;
    const { incarnation, view } = this.#standing();
    return {
      from: this.#self,
      incarnation,
      view,
      life: this.#life,
      position,
      wants,
      heardLife: this.#theirs,
      heard: this.#heard,
      heardFor,
    };
  }

  #report(heard: number, probe: number): void {
    if (heard > this.#reported && heard <= this.#end) {
      this.#reported = heard;
      this.#taken = heard;
      let count = 0;
      for (const loaded of this.#away) {
        if (loaded.position + loaded.cost > heard) break;
        count += 1;
      }
      if (count > 0) this.#away.splice(0, count);
    }
    if (this.#probe === 0 || probe !== this.#probe) return;
    this.#probe = 0;
    const present = this.#standing().incarnation;
    // What was packed before this host joined anew would be dropped again and again, and the window never open.
    const again = this.#away.filter(
      ({ known, incarnation }) => known && incarnation === present && this.#planted !== "dropped-frame-taken-for-delivered",
    );
    this.#away = [];
    this.#waiting = [...again, ...this.#waiting];
    const [first] = this.#waiting;
    this.#sent = first?.position ?? this.#end;
    this.#reported = this.#sent;
  }

  #beginProbe(): void {
    this.#lastProbe += 1;
    this.#probe = this.#lastProbe;
  }

  #giveUpAway(): void {
    this.#away = [];
    this.#reported = this.#sent;
  }
}
