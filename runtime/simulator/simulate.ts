import type { PlantedFault } from "../planted-fault.ts";
import { randomSkew } from "./clock.ts";
import type { Fault } from "./fault.ts";
import type { Happened, Happening } from "./happening.ts";
import { SimulatedNats } from "./nats.ts";
import { type Plan, streamOf } from "./plan.ts";
import { SharedRegisters } from "./registers.ts";
import type { Scenario, ScenarioOf } from "./scenario.ts";
import { Schedule, settled } from "./schedule.ts";
import { type Identity, SimulatedHost, type Surroundings } from "./simulated-host.ts";

/** After the last fault and the last of the workload, this long passes before the run is looked at at rest. */
export const REST_MS = 60_000;

/** Steps without time moving on; then something goes round in circles. */
const STEPS_AT_ONE_MOMENT_MAX = 100_000;

/** A host comes up this long after it could at first, or again. */
const START_MS_MAX = 50;

export interface SimulateOptions {
  /** Keep all that happened, for a trace. */
  readonly keep?: boolean;
  readonly planted?: PlantedFault | undefined;
}

/** What did not hold. */
export interface Violation {
  readonly invariant: string;
  readonly text: string;
  readonly at_ms: number;
}

export interface Run {
  readonly plan: Plan;
  readonly violation: Violation | undefined;
  /** Steps that the run took. */
  readonly steps: number;
  /** All that happened, when it was to be kept. */
  readonly happened: readonly Happened[];
}

/**
 * Runs a scenario by a plan, on one thread and in no real time: the kernel's own hosts, on clocks, randomness, turns and a NATS of the simulator's.
 * Ends at the first invariant that does not hold. The same plan and scenario give the same run to the byte.
 */
export async function simulate(scenarioOf: ScenarioOf, plan: Plan, options: SimulateOptions = {}): Promise<Run> {
  return new Simulation(scenarioOf(plan.size), plan, options).run();
}

interface Place extends Identity {
  lives: number;
  host: SimulatedHost | undefined;
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #plan: Plan;
  readonly #keep: boolean;
  readonly #schedule = new Schedule();
  readonly #nats: SimulatedNats;
  readonly #around: Surroundings;
  readonly #places: readonly Place[];
  readonly #happened: Happened[] = [];
  readonly #random;
  #violation: Violation | undefined;

  constructor(scenario: Scenario, plan: Plan, options: SimulateOptions) {
    this.#scenario = scenario;
    this.#plan = plan;
    this.#keep = options.keep ?? false;
    this.#random = streamOf(plan.seed, "hosts");
    const happened = (happening: Happening): void => this.#saw(happening);
    this.#nats = new SimulatedNats(this.#schedule, streamOf(plan.seed, "network"), happened);
    this.#around = {
      schedule: this.#schedule,
      nats: this.#nats,
      registers: new SharedRegisters(this.#schedule, this.#nats, streamOf(plan.seed, "registers")),
      planted: options.planted,
      resting: () => this.#schedule.now_ms >= plan.duration_ms,
      happened,
      scenario,
      gaveUp: (host) => this.#startAnew(host),
    };
    this.#places = scenario.hosts.map(({ host, kinds }, index) => ({
      name: host,
      index,
      kinds,
      skew: randomSkew(streamOf(plan.seed, `clock of ${host}`)),
      lives: 0,
      host: undefined,
    }));
  }

  async run(): Promise<Run> {
    for (const place of this.#places) this.#startSoon(place);
    for (const fault of this.#plan.faults) this.#schedule.at(fault.at_ms, undefined, () => this.#begin(fault));
    const until_ms = this.#plan.duration_ms + REST_MS;
    let steps = 0;
    let moment_ms = 0;
    let atMoment = 0;
    while (this.#violation === undefined) {
      const step = this.#schedule.next(until_ms);
      if (step === undefined) break;
      steps += 1;
      atMoment = step.due_ms === moment_ms ? atMoment + 1 : 0;
      moment_ms = step.due_ms;
      if (atMoment > STEPS_AT_ONE_MOMENT_MAX) this.#broken("time moves on", "a hundred thousand steps at one moment");
      step.fire();
      await settled();
    }
    if (this.#violation === undefined) this.#lookAtRest();
    return { plan: this.#plan, violation: this.#violation, steps, happened: this.#happened };
  }

  #saw(happening: Happening): void {
    if (this.#violation !== undefined) return;
    const happened: Happened = { at_ms: this.#schedule.now_ms, ...happening };
    if (this.#keep) this.#happened.push(happened);
    for (const invariant of this.#scenario.invariants) {
      const text = invariant.saw?.(happened);
      if (text === undefined) continue;
      this.#broken(invariant.name, text);
      return;
    }
  }

  #lookAtRest(): void {
    for (const invariant of this.#scenario.invariants) {
      const text = invariant.atRest?.(this.#schedule.now_ms);
      if (text === undefined) continue;
      this.#broken(invariant.name, text);
      return;
    }
  }

  #broken(invariant: string, text: string): void {
    this.#violation ??= { invariant, text, at_ms: this.#schedule.now_ms };
  }

  /** Starts a host when it can reach the server: nothing starts without. */
  #startSoon(place: Place): void {
    this.#schedule.after(this.#random.next() * START_MS_MAX, undefined, () => {
      if (!this.#nats.link(place.name).up) {
        this.#startSoon(place);
        return;
      }
      place.lives += 1;
      const seed = streamOf(this.#plan.seed, `${place.name} ${place.lives}`).below(2 ** 31);
      place.host = new SimulatedHost(this.#around, place, place.lives, seed);
    });
  }

  #startAnew(host: SimulatedHost): void {
    const place = this.#place(host.index);
    if (place.host !== host || !host.alive) return;
    place.host = undefined;
    host.kill(0);
    this.#startSoon(place);
  }

  #begin(fault: Fault): void {
    const undo = this.#inflict(fault);
    if (undo === undefined) return;
    this.#saw({ what: "fault begins", fault });
    this.#schedule.after(fault.for_ms, undefined, () => {
      this.#saw({ what: "fault ends", fault });
      undo();
    });
  }

  /** Makes it so, and returns how to make it good; undefined when there is nothing to do it to. */
  #inflict(fault: Fault): (() => void) | undefined {
    switch (fault.kind) {
      case "pause": {
        const { host } = this.#place(fault.host);
        if (!host?.alive || host.paused) return undefined;
        host.pause();
        return () => host.goOn();
      }
      case "kill":
      case "leave": {
        const place = this.#place(fault.host);
        const { host } = place;
        if (!host?.alive) return undefined;
        place.host = undefined;
        if (fault.kind === "kill") {
          host.kill(fault.noticed_ms);
          return () => this.#startSoon(place);
        }
        const left = host.leave();
        return () => void left.then(() => this.#startSoon(place));
      }
      case "disconnect": {
        const { name } = this.#place(fault.host);
        this.#nats.break(name, fault.client_notices_ms, fault.server_notices_ms);
        return () => this.#nats.mend(name);
      }
      case "partition": {
        const [from, to] = [this.#place(fault.from).name, this.#place(fault.to).name];
        if (from === to) return undefined;
        this.#nats.cut(from, to, 1);
        return () => this.#nats.cut(from, to, -1);
      }
      case "slow": {
        const { name } = this.#place(fault.host);
        this.#nats.slow(name, fault.by_ms);
        return () => this.#nats.slow(name, -fault.by_ms);
      }
      case "server away": {
        this.#nats.outage(
          this.#places.map(({ name }) => name),
          fault.clients_notice_ms,
        );
        return () => {
          for (const { name } of this.#places) this.#nats.mend(name);
        };
      }
      default:
        return fault satisfies never;
    }
  }

  #place(number: number): Place {
    const place = this.#places[number % this.#places.length];
    if (place === undefined) throw new RangeError("a scenario needs a host");
    return place;
  }
}
