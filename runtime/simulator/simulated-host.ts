import type { ActorKind, Logger, Message } from "../actor.ts";
import type { Directory } from "../directory.ts";
import { Host } from "../host.ts";
import { natsTransport } from "../nats-transport.ts";
import type { PlantedFault } from "../planted-fault.ts";
import type { Clock, Random } from "../time.ts";
import { seededRandom } from "../virtual.ts";
import { type Skew, skewedClock } from "./clock.ts";
import type { Happening } from "./happening.ts";
import type { Connection, SimulatedNats } from "./nats.ts";
import { observedKind, observedMessenger } from "./observed.ts";
import type { Seat } from "./scenario.ts";
import type { Owner, Schedule } from "./schedule.ts";

/** A turn of the event loop takes up to this long. */
const TURN_MS_MAX = 0.2;

/** A call to something shared that got no answer is given up. */
const REMOTE_TIMEOUT_MS = 2_000;

/** What all hosts of a run have in common. */
export interface Surroundings {
  readonly schedule: Schedule;
  readonly nats: SimulatedNats;
  readonly planted: PlantedFault | undefined;
  readonly resting: () => boolean;
  readonly happened: (happening: Happening) => void;
  readonly kinds: (seat: Seat) => readonly ActorKind<Message>[];
  readonly workload: (seat: Seat) => void;
}

/** A host in one of its lives: the kernel's own Host, on a clock, randomness, turns and a connection of the simulator's. */
export class SimulatedHost implements Owner, Seat {
  readonly host: string;
  readonly life: number;
  readonly index: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly messenger: Seat["messenger"];
  alive = true;
  paused = false;
  readonly #around: Surroundings;
  readonly #connection: Connection;
  readonly #kernel: Host;

  constructor(around: Surroundings, name: string, index: number, life: number, skew: Skew, seed: number, directory: Directory) {
    this.#around = around;
    this.host = name;
    this.index = index;
    this.life = life;
    const random = seededRandom(seed);
    this.clock = skewedClock(around.schedule, this, skew, seededRandom(random.below(2 ** 31)));
    this.random = seededRandom(random.below(2 ** 31));
    this.#connection = around.nats.connect(this);
    const late = seededRandom(random.below(2 ** 31));
    this.#kernel = new Host({
      name,
      clock: this.clock,
      random: seededRandom(random.below(2 ** 31)),
      log: this.#log(),
      directory,
      transport: natsTransport({ connection: this.#connection, prefix: "sim", host: name, clock: this.clock }),
      turns: (end) => void around.schedule.after(late.next() * TURN_MS_MAX, this, end),
      deadLetter: (reason, to, message) => around.happened({ what: "dead letter", host: name, life, reason, to, message }),
      planted: around.planted,
    });
    this.messenger = observedMessenger(this.#kernel.messenger, this, `door of ${name} (${life})`, around.happened);
    for (const kind of around.kinds(this)) this.#kernel.register(observedKind(kind, { host: name, life }, around.happened));
    around.happened({ what: "host begins", host: name, life });
    void this.#kernel.ready().then(() => around.workload(this));
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
    await this.#kernel.stop();
    if (this.alive) this.#over("left", 0);
  }

  /** What happened here, as the kernel counts it. */
  counters(): ReturnType<Host["counters"]> {
    return this.#kernel.counters();
  }

  #over(how: "killed" | "left", noticed_ms: number): void {
    this.alive = false;
    this.#around.nats.ended(this.#connection, noticed_ms);
    this.#around.happened({ what: "host ends", host: this.host, life: this.life, how });
    this.goOn();
  }

  #log(): Logger {
    const at =
      (level: string) =>
      (fields: object, text: string): void =>
        this.#around.happened({ what: "log", host: this.host, life: this.life, level, text, fields });
    return { debug: () => undefined, info: at("info"), warn: at("warn"), error: at("error") };
  }
}
