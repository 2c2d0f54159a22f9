import type { Logger } from "../actor.ts";
import { Host } from "../host.ts";
import type { LinkLimits } from "../link.ts";
import { Membership, type MembershipOptions, type Resident } from "../membership/membership.ts";
import { natsTransport } from "../nats-transport.ts";
import type { PlantedFault } from "../planted-fault.ts";
import type { Random } from "../time.ts";
import { seededRandom } from "../virtual.ts";
import { type Skew, type SkewedClock, skewedClock } from "./clock.ts";
import type { Happening } from "./happening.ts";
import type { Connection, SimulatedNats } from "./nats.ts";
import { observedKind, observedMessenger } from "./observed.ts";
import type { SharedRegisters } from "./registers.ts";
import type { Scenario, Seat } from "./scenario.ts";
import type { Owner, Schedule } from "./schedule.ts";

/** A turn of the event loop takes up to this long. */
const TURN_MS_MAX = 0.2;

/** A call to something shared that got no answer is given up. */
const REMOTE_TIMEOUT_MS = 2_000;

/** Far less than hosts have, so that a burst of messages to a host that is paused is enough to fill the window, and what waits for it. */
const LINK_LIMITS: LinkLimits = { window: 8_000, waiting: 24_000, waitingAnswers: 48_000 };

/** What all hosts of a run have in common. */
export interface Surroundings {
  readonly schedule: Schedule;
  readonly nats: SimulatedNats;
  readonly registers: SharedRegisters;
  readonly planted: PlantedFault | undefined;
  readonly resting: () => boolean;
  readonly happened: (happening: Happening) => void;
  readonly scenario: Scenario;
  /** It did not come up, or gave itself up; whoever started it starts another. */
  readonly gaveUp: (host: SimulatedHost) => void;
}

/** What a host is, whichever of its lives it is in. */
export interface Identity {
  readonly name: string;
  readonly index: number;
  readonly kinds: readonly string[];
  readonly skew: Skew;
}

interface Joined {
  readonly kernel: Host;
  readonly membership: Membership;
  readonly messenger: Seat["messenger"];
}

/** A host in one of its lives: the kernel's own Host, on a clock, randomness, turns and a connection of the simulator's. */
export class SimulatedHost implements Owner, Seat {
  readonly host: string;
  readonly life: number;
  readonly index: number;
  readonly clock: SkewedClock;
  readonly random: Random;
  alive = true;
  paused = false;
  readonly #around: Surroundings;
  readonly #connection: Connection;
  /** When what it was told last arrives. */
  #told_ms = 0;
  /** Once it has begun to join the others. */
  #joined: Joined | undefined;

  constructor(around: Surroundings, { name, index, kinds, skew }: Identity, life: number, seed: number) {
    this.#around = around;
    this.host = name;
    this.index = index;
    this.life = life;
    const random = seededRandom(seed);
    this.clock = skewedClock(around.schedule, this, skew, seededRandom(random.below(2 ** 31)), around.scenario.timerGrain_ms);
    this.random = seededRandom(random.below(2 ** 31));
    this.#connection = around.nats.connect(this, around.scenario.payloadMax_bytes);
    const { prepare } = around.scenario;
    if (prepare === undefined) this.#join(kinds, random);
    else
      prepare(this).then(
        () => this.#join(kinds, random),
        (error: unknown) => this.giveUp(`it could not begin: ${error}`),
      );
  }

  #join(kinds: readonly string[], random: Random): void {
    const { life, host: name } = this;
    const around = this.#around;
    const { lease_ms, renew_ms, givesUp = false } = around.scenario;
    const late = seededRandom(random.below(2 ** 31));
    const log = this.#log();
    const membership = new ObservedMembership(
      {
        host: name,
        kinds,
        registers: around.registers.of(this),
        clock: this.clock,
        random: seededRandom(random.below(2 ** 31)),
        log,
        planted: around.planted,
        ...(lease_ms === undefined ? {} : { lease_ms }),
        ...(renew_ms === undefined ? {} : { renew_ms }),
        ...(givesUp ? { fenced: () => this.giveUp("the others have removed it") } : {}),
      },
      this,
      around.happened,
    );
    const kernel = new Host({
      name,
      clock: this.clock,
      random: seededRandom(random.below(2 ** 31)),
      log,
      membership,
      transport: natsTransport({ connection: this.#connection, prefix: "sim", host: name, clock: this.clock }),
      turns: (end) => void around.schedule.after(late.next() * TURN_MS_MAX, this, end),
      deadLetter: (reason, to, message) => around.happened({ what: "dead letter", host: name, life, reason, to, message }),
      linkLimits: around.scenario.linkLimits ?? LINK_LIMITS,
      planted: around.planted,
      ...(givesUp ? { escalated: ({ child, error }) => this.giveUp(`${child} was given up: ${error}`) } : {}),
    });
    this.#joined = {
      kernel,
      membership,
      messenger: observedMessenger(kernel.messenger, this, `door of ${name} (${life})`, around.happened),
    };
    for (const kind of around.scenario.kinds(this)) kernel.register(observedKind(kind, { host: name, life }, around.happened));
    around.happened({ what: "host begins", host: name, life });
    kernel.ready().then(
      () => around.scenario.workload(this),
      (error: unknown) => this.giveUp(`it could not join: ${error}`),
    );
  }

  get messenger(): Seat["messenger"] {
    return this.#after().messenger;
  }

  get directory(): Seat["directory"] {
    return this.#after().membership.directory;
  }

  #after(): Joined {
    if (this.#joined === undefined) throw new Error(`${this.host} has not begun to join the others`);
    return this.#joined;
  }

  giveUp(why: string): false {
    if (!this.alive) return false;
    this.#log().warn({ why }, "the host gives itself up");
    this.#around.gaveUp(this);
    return false;
  }

  get resting(): boolean {
    return this.#around.resting();
  }

  note(text: string, data: unknown): void {
    this.#around.happened({ what: "note", host: this.host, life: this.life, text, data });
  }

  remote<T>(operation: () => T | Promise<T>): Promise<T> {
    const { schedule, nats } = this.#around;
    return new Promise<T>((resolve, reject) => {
      const timeout = this.clock.after(REMOTE_TIMEOUT_MS, () => reject(new Error("no answer")));
      const back = (settle: () => void): void => {
        if (!nats.link(this.host).up) return;
        schedule.after(nats.hop_ms(this.host), this, () => {
          timeout.cancel();
          settle();
        });
      };
      schedule.after(nats.hop_ms(this.host), undefined, () => {
        if (!nats.link(this.host).up) return;
        new Promise<T>((done) => done(operation())).then(
          (value) => back(() => resolve(value)),
          (error: unknown) => back(() => reject(error)),
        );
      });
    });
  }

  told(hear: () => void, lost: () => void): void {
    const { schedule, nats } = this.#around;
    if (!nats.link(this.host).up) {
      lost();
      return;
    }
    this.#told_ms = Math.max(this.#told_ms, schedule.now_ms + nats.hop_ms(this.host));
    schedule.at(this.#told_ms, this, hear);
  }

  pause(): void {
    this.paused = true;
    this.#around.happened({ what: "host pauses", host: this.host, life: this.life });
  }

  goOn(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.alive) this.#around.happened({ what: "host goes on", host: this.host, life: this.life });
    this.#around.schedule.release(this);
  }

  kill(noticed_ms: number): void {
    this.#over("killed", noticed_ms);
  }

  async leave(): Promise<void> {
    this.#around.happened({ what: "host leaves", host: this.host, life: this.life });
    await this.#joined?.kernel.leave();
    if (this.alive) this.#over("left", 0);
  }

  /** What happened here, as the kernel counts it. */
  counters(): ReturnType<Host["counters"]> {
    return this.#after().kernel.counters();
  }

  #over(how: "killed" | "left", noticed_ms: number): void {
    this.alive = false;
    this.#around.nats.ended(this.#connection, noticed_ms);
    this.#around.happened({ what: "host ends", host: this.host, life: this.life, how });
    this.goOn();
    this.#around.schedule.forget(this);
  }

  #log(): Logger {
    const at =
      (level: string) =>
      (fields: object, text: string): void =>
        this.#around.happened({ what: "log", host: this.host, life: this.life, level, text, fields });
    return { debug: () => undefined, info: at("info"), warn: at("warn"), error: at("error") };
  }
}

/** A membership, with what it tells its host seen from outside. */
class ObservedMembership extends Membership {
  readonly #host: SimulatedHost;
  readonly #happened: Surroundings["happened"];

  constructor(options: MembershipOptions, host: SimulatedHost, happened: Surroundings["happened"]) {
    super(options);
    this.#host = host;
    this.#happened = happened;
    const { host: name, life } = host;
    this.directory.watch(() =>
      happened({
        what: "view",
        host: name,
        life,
        members: this.directory.members.map(({ host }) => host),
        owns: (address) => this.directory.placeOf(address) === name,
      }),
    );
  }

  override attach(resident: Resident): void {
    const { host, life, clock } = this.#host;
    super.attach({
      ...resident,
      leased: (until_ms) => {
        this.#happened({ what: "lease", host, life, until_ms: clock.trueTime_ms(until_ms) });
        resident.leased(until_ms);
      },
      fenced: () => {
        this.#happened({ what: "fenced", host, life });
        return resident.fenced();
      },
    });
  }
}
