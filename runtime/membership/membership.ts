import type { Logger } from "../actor.ts";
import type { Address } from "../address.ts";
import { Directory } from "../directory.ts";
import { withFields } from "../log.ts";
import type { PlantedFault } from "../planted-fault.ts";
import type { Clock, Random, Timer } from "../time.ts";
import { decide, type MembershipAction, type MembershipEvent, type MembershipState, newMembershipState } from "./decide.ts";
import { Ownership } from "./ownership.ts";
import type { Registers } from "./registers.ts";
import { type MemberRow, rowOf, type Table } from "./table.ts";

/** How long a host may act after it sent its last renewal that was written. */
export const LEASE_MS = 5_000;

/** How much longer others wait before they remove it: clocks may differ in their rate by as much. */
export const LEASE_MARGIN_MS = 1_000;

/** A host renews its lease this often. */
export const RENEW_MS = 1_000;

/** How long a write that failed is not tried again. */
const RETRY_MS = 200;

/** How often it is looked at what is due, in one renewal's time. */
const TICKS_PER_RENEWAL = 4;

/** Activations under one version of the table, after which the host asks for the next: epochs must not run over into those of a later version. */
const EPOCHS_PER_VERSION = 2 ** 32;

export interface MembershipOptions {
  /** Of the host: unique in the cluster. */
  readonly host: string;
  /** The kinds of actors that it offers. */
  readonly kinds: readonly string[];
  readonly registers: Registers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly lease_ms?: number;
  readonly margin_ms?: number;
  readonly renew_ms?: number;
  /** Names the life of the process that this host is part of; by default something that nobody else has. */
  readonly process?: string;
  /** Members of which the owner of the process knows that they have ended: they are removed when this host joins, without waiting for their leases. */
  readonly isGone?: (member: MemberRow) => boolean;
  /** This host was removed and has ended its activations; it joins anew unless this says `false`. */
  readonly fenced?: () => boolean;
  /** Of the simulator's test alone. */
  readonly planted?: PlantedFault | undefined;
}

/** The host, as its membership sees it. */
export interface Resident {
  /** Other members, other places. The host lets go of what is not its own, and then calls `released`. Those in `lost` are not what they were. */
  viewed(lost: readonly string[]): void;
  /** What was not this host's alone may be now. */
  mayHaveMore(): void;
  /** Turns may start until this moment of the monotonic clock. */
  leased(until_ms: number): void;
  /** All activations end at once. Resolves when none of their turns is in progress. */
  fenced(): Promise<void>;
}

/**
 * One host's part in its cluster: joins, shows that it lives, takes note of who else does, removes the dead, and knows which addresses this host may
 * activate. What it thinks is in decide.ts; here are time, the registers and the host.
 */
export class Membership {
  /** Where addresses live under the present view. */
  readonly directory: Directory = new Directory([]);
  readonly #options: MembershipOptions;
  readonly #log: Logger;
  readonly #state: MembershipState;
  readonly #ownership: Ownership;
  /** Always, but for a fault that was planted. */
  readonly #fencing: boolean;
  #resident: Resident | undefined;
  #table: Table = { version: 0, members: [], pins: {} };
  #incarnation = 0;
  #epochVersion = 0;
  #epochs = 0;
  /** Events that came while another was dealt with. */
  readonly #events: MembershipEvent[] = [];
  #deciding = false;
  #unwatch: (() => void) | undefined;
  #timer: Timer | undefined;
  readonly #waiters = new Set<() => void>();

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#log = withFields(options.log, { host: options.host });
    this.#ownership = new Ownership(options.host);
    this.#fencing = options.planted !== "no-fencing";
    this.#state = newMembershipState({
      host: options.host,
      kinds: options.kinds,
      process: options.process ?? options.random.uuid(),
      lease_ms: options.lease_ms ?? LEASE_MS,
      margin_ms: options.margin_ms ?? LEASE_MARGIN_MS,
      renew_ms: options.renew_ms ?? RENEW_MS,
      retry_ms: RETRY_MS,
      isGone: options.isGone ?? (() => false),
    });
  }

  /** The version with which this host joined; 0 while it takes no part. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** The version of the table that this host goes by. */
  get version(): number {
    return this.#table.version;
  }

  get members(): readonly MemberRow[] {
    return this.#table.members;
  }

  /** The host that takes part by this. Called once, before `join`. */
  attach(resident: Resident): void {
    this.#resident = resident;
    if (!this.#fencing) resident.leased(Number.POSITIVE_INFINITY);
  }

  /** Resolves when this host is in the table, and may act. */
  async join(): Promise<void> {
    this.#unwatch ??= this.#options.registers.watch({
      changed: (entry) => this.#happened({ type: "changed", entry }),
      current: () => this.#happened({ type: "current" }),
    });
    this.#timer ??= this.#tickLater();
    this.#happened({ type: "wished", wish: "in" });
    await this.#until(() => this.#incarnation > 0 && this.#state.lease_until_ms > this.#options.clock.monotonic_ms());
  }

  /** Resolves when these hosts are in the table. */
  async sees(hosts: readonly string[]): Promise<void> {
    await this.#until(() => hosts.every((host) => rowOf(this.#table, host) !== undefined));
  }

  /** Gives all addresses to other hosts; resolves when this host has let go of the last, and all know that it has none. */
  async handOver(): Promise<void> {
    if (this.#incarnation === 0) return;
    this.#happened({ type: "wished", wish: "emptied" });
    const { host } = this.#options;
    await this.#until(
      () =>
        this.#incarnation === 0 ||
        (rowOf(this.#table, host)?.kinds.length === 0 && this.#state.settled === this.#table.version && this.#state.holding.length === 0),
    );
  }

  /** Takes this host, whose activations have all ended, out of the table, if that takes no longer than `deadline_ms`; then others have to find out. */
  async leave(deadline_ms: number): Promise<void> {
    this.#happened({ type: "wished", wish: "out" });
    const late = Promise.withResolvers<void>();
    const deadline = this.#options.clock.after(deadline_ms, late.resolve);
    await Promise.race([this.#until(() => this.#incarnation === 0), late.promise]);
    deadline.cancel();
    this.abandon();
  }

  /** Renews no more: others remove this host when its lease has lapsed. For a host that has left actors behind, in the midst of their turns. */
  abandon(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  /** Makes an address live on a host; without one, wherever it falls. Resolves when this host goes by it. */
  async pin(address: Address, host: string | undefined): Promise<void> {
    this.#happened({ type: "pinned", address, host });
    await this.#until(() => this.#table.pins[address] === host && !this.#state.pinWishes.has(address));
  }

  /** Whether this host may activate the address now. If it is the host's and not yet alone its, `mayHaveMore` follows. */
  mayActivate(address: Address): boolean {
    return this.#ownership.mayActivate(address);
  }

  /** For the next activation: larger than any before it of the same address, on whatever host. */
  nextEpoch(): number {
    if (this.#epochVersion !== this.#table.version) {
      this.#epochVersion = this.#table.version;
      this.#epochs = 0;
    }
    this.#epochs += 1;
    if (this.#epochs >= EPOCHS_PER_VERSION) throw new Error(`no epochs are left under version ${this.#epochVersion} of the table`);
    if (this.#epochs === EPOCHS_PER_VERSION / 2) this.#happened({ type: "worn", version: this.#epochVersion });
    return this.#epochVersion * EPOCHS_PER_VERSION + this.#epochs;
  }

  /** Whether what this incarnation of a host sends is to be heard: it is in the table, or newer than the table that this host knows. */
  hears(host: string, incarnation: number): boolean {
    if (!this.#fencing) return true;
    const row = rowOf(this.#table, host);
    return incarnation >= (row?.incarnation ?? this.#table.version + 1);
  }

  /** The host has let go of all that is not its own under the present view, but for what it still holds. */
  released(holding: readonly Address[]): void {
    this.#happened({ type: "applied", version: this.#table.version, holding });
  }

  #happened(event: MembershipEvent): void {
    this.#events.push(event);
    if (this.#deciding) return;
    this.#deciding = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift())
        for (const action of decide(this.#state, next, this.#options.clock.monotonic_ms())) this.#perform(action);
    } finally {
      this.#deciding = false;
    }
    for (const waiter of [...this.#waiters]) waiter();
  }

  #perform(action: MembershipAction): void {
    switch (action.type) {
      case "write":
        this.#write(action.register, action.value, action.expected);
        return;
      case "apply":
        this.#apply(action.table, action.incarnation);
        return;
      case "lease":
        if (this.#fencing) this.#resident?.leased(action.until_ms);
        return;
      case "settled":
        this.#ownership.settled();
        this.#resident?.mayHaveMore();
        return;
      case "held":
        this.#ownership.held(action.addresses);
        this.#resident?.mayHaveMore();
        return;
      case "suspected":
        this.#log.warn(
          { silent: action.host, silent_ms: Math.round(action.silent_ms) },
          "a host is silent for longer than its lease; removing it",
        );
        return;
      case "fence":
        this.#fence(action.incarnation);
        return;
      case "left":
        this.#out();
        return;
    }
  }

  #write(register: string, value: unknown, expected: number): void {
    const written = (done: boolean | undefined): void => this.#happened({ type: "written", register, done });
    this.#options.registers.write(register, value, expected).then(written, (error: unknown) => {
      this.#log.debug({ register, error: String(error) }, "a register could not be written; trying again");
      written(undefined);
    });
  }

  #apply(table: Table, incarnation: number): void {
    const before = this.#table.members;
    const lost = before.filter((row) => rowOf(table, row.host)?.incarnation !== row.incarnation).map(({ host }) => host);
    if (this.#incarnation === 0) this.#log.debug({ incarnation }, "joined");
    this.#table = table;
    this.#incarnation = incarnation;
    this.#ownership.applied(new Directory(table.members, table.pins));
    this.directory.update(table.members, table.pins);
    this.#resident?.viewed(lost.filter((host) => host !== this.#options.host));
  }

  #fence(incarnation: number): void {
    this.#log.warn({ incarnation }, "this host was removed while it was silent; its actors end here, it joins anew");
    this.#out();
    const goOn = (): void => {
      if (this.#options.fenced?.() === false) this.#happened({ type: "wished", wish: "out" });
      this.#happened({ type: "ended" });
    };
    if (!this.#fencing) goOn();
    else void (this.#resident?.fenced() ?? Promise.resolve()).then(goOn);
  }

  #out(): void {
    this.#incarnation = 0;
    this.#ownership.none();
    if (this.#fencing) this.#resident?.leased(Number.NEGATIVE_INFINITY);
  }

  #tickLater(): Timer {
    return this.#options.clock.after(this.#state.settings.renew_ms / TICKS_PER_RENEWAL, () => {
      this.#timer = this.#tickLater();
      this.#happened({ type: "tick" });
    });
  }

  #until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#waiters.delete(look);
        resolve();
      };
      this.#waiters.add(look);
    });
  }
}
