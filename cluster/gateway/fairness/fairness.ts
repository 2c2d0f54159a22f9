import type { FlowSchema, PriorityLevelConfiguration } from "../../../actors/kinds/generated/types.ts";
import type { View } from "../../../actors/store/view.ts";
import type { Clock, Timer } from "../../../runtime/mod.ts";
import type { Identity } from "../../access/identity.ts";
import type { Family } from "../../observation/families.ts";
import type { RequestInfo } from "../route.ts";
import type { Allocation, Limits } from "./borrowing.ts";
import { allocate, firstSeats, limitsOf, sharesOf } from "./borrowing.ts";
import { DEFAULT_LEVELS, DEFAULT_SCHEMAS } from "./defaults.ts";
import { FlowCounts, flowFamilies } from "./flow-counts.ts";
import type { Flow } from "./flow-schemas.ts";
import { flowOf, inOrder } from "./flow-schemas.ts";
import type { Pace, Seat } from "./priority-level.ts";
import { PriorityLevel } from "./priority-level.ts";
import { RetryAfter } from "./retry-after.ts";
import { WatchCounts } from "./watch-counts.ts";
import { ONE_SEAT, seatsMax, WorkEstimator } from "./work.ts";

/** Seats of the server, those of exempt requests aside. Source: kube-apiserver's --max-requests-inflight and --max-mutating-requests-inflight. */
export const SEATS = 600;
/** How often it is looked who has seats to lend. Source: borrowingAdjustmentPeriod in apiserver's flowcontrol/apf_controller.go. */
export const BORROWING_EVERY_MS = 10_000;

const SCHEMAS = "flowschemas.flowcontrol.apiserver.k8s.io";
const LEVELS = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io";
const CATCH_ALL = "catch-all";
const MS_PER_S = 1_000;

/** Where the requests of a schema go. */
interface Route {
  readonly own: Level;
  readonly counts: FlowCounts;
  /** What every answer says of it, as names and values in turn. */
  readonly headers: readonly string[];
}

export interface Classified extends Flow, Route {}

/** A level with what it may have and has. */
export interface Level {
  readonly name: string;
  readonly queues: PriorityLevel;
  readonly retryAfter: RetryAfter;
  uid: string;
  limits: Limits;
  allocation: Allocation;
  /** It was deleted, and goes when nobody is in it. */
  quiescing: boolean;
}

/**
 * Whose turn it is: requests are put into flows by FlowSchemas, flows into the levels of PriorityLevelConfigurations, as they are in the store; where they are not there
 * yet, by Kubernetes' own. A watch is counted until it runs; what else lasts (logs, connections) is not counted.
 */
export class Fairness {
  readonly watches: WatchCounts = new WatchCounts();
  readonly #view: View;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #work: WorkEstimator;
  readonly #levels = new Map<string, Level>();
  readonly #counts = new Map<string, FlowCounts>();
  #schemas: readonly FlowSchema[] = [];
  readonly #routes = new Map<FlowSchema, Route>();
  #fairFraction = 0;
  #stale = true;
  #borrowing: Timer;

  constructor(view: View, clock: Clock) {
    this.#view = view;
    this.#clock = clock;
    this.#pace = { now_ms: () => clock.monotonic_ms(), after: (delay_ms, run) => clock.after(delay_ms, run) };
    this.#work = new WorkEstimator(view, clock, this.watches);
    const stale = (): void => {
      this.#stale = true;
    };
    for (const resource of [SCHEMAS, LEVELS]) view.watch(resource, view.revision, stale);
    this.#borrowing = this.#borrowLater();
  }

  close(): void {
    this.#borrowing.cancel();
  }

  /** By name. */
  get levels(): readonly Level[] {
    if (this.#stale) this.#takeUp();
    return [...this.#levels.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  classify(identity: Identity, info: RequestInfo): Classified {
    if (this.#stale) this.#takeUp();
    const flow = flowOf(this.#schemas, identity, info) ?? { schema: NOWHERE, level: CATCH_ALL, distinguisher: identity.user };
    return { ...flow, ...this.#routeOf(flow.schema) };
  }

  /** Seats for a request of this flow; undefined when there are too many, or its turn did not come in time. */
  enter(flow: Classified, info: RequestInfo): Seat | Promise<Seat | undefined> | undefined {
    const { queues, limits } = flow.own;
    const most = queues.handSize === 0 ? 0 : seatsMax(limits.nominal, queues.handSize);
    const work = queues.exempt || info.type === "page" ? ONE_SEAT : this.#work.of(info, most);
    const { schema, distinguisher, counts } = flow;
    const name = queues.exempt ? "" : `${schema.metadata.name} ${distinguisher}`;
    return queues.enter({ flow: name, distinguisher, work, counts, arrived_ms: this.#pace.now_ms() });
  }

  /** Notes that a request of this flow is turned away, and says when it may come again, in seconds. */
  refuse({ own }: Classified): number {
    own.retryAfter.refused(Math.floor(this.#clock.now_ms() / MS_PER_S));
    return own.retryAfter.seconds;
  }

  families(): readonly Family[] {
    const gauge = (name: string, help: string, value: (level: Level) => number): Family => ({
      name: `apiserver_flowcontrol_${name}`,
      help,
      type: "gauge",
      samples: this.levels.map((level) => ({ labels: { priority_level: level.name }, value: value(level) })),
    });
    return [
      ...flowFamilies([...this.#counts.values()]),
      gauge("nominal_limit_seats", "A level's share of all seats.", ({ limits }) => limits.nominal),
      gauge("request_concurrency_limit", "A level's share of all seats.", ({ limits }) => limits.nominal),
      gauge("lower_limit_seats", "Seats that a level does not lend.", ({ limits }) => limits.min),
      gauge("upper_limit_seats", "Seats of a level with all that it may borrow.", ({ limits }) => limits.max),
      gauge("current_limit_seats", "Seats that a level has for now.", ({ allocation }) => allocation.seats),
      gauge("target_seats", "Seats that a level would have if there were enough.", ({ allocation }) => allocation.target),
      gauge("demand_seats_high_watermark", "The most seats that were wanted at once.", ({ queues }) => queues.demand.highWatermark),
      gauge("demand_seats_average", "Seats that were wanted, over time.", ({ queues }) => queues.demand.average),
      gauge("demand_seats_stdev", "How much that varied.", ({ queues }) => queues.demand.deviation),
      gauge("demand_seats_smoothed", "Seats that were wanted, not forgotten at once.", ({ queues }) => queues.demand.smoothed),
      {
        name: "apiserver_flowcontrol_seat_fair_frac",
        help: "The part of its target that each level can have.",
        type: "gauge",
        samples: [{ labels: {}, value: this.#fairFraction }],
      },
    ];
  }

  #routeOf(schema: FlowSchema): Route {
    let route = this.#routes.get(schema);
    if (route === undefined) {
      const own = this.#levels.get(schema.spec.priorityLevelConfiguration.name) ?? this.#levels.get(CATCH_ALL);
      if (own === undefined) throw new Error("there is no level that takes what nobody else takes");
      const { uid, name } = schema.metadata;
      const headers = uid === "" ? [] : ["X-Kubernetes-PF-FlowSchema-UID", uid, "X-Kubernetes-PF-PriorityLevel-UID", own.uid];
      route = { own, counts: this.#countsOf(own.name, name), headers };
      this.#routes.set(schema, route);
    }
    return route;
  }

  #countsOf(level: string, schema: string): FlowCounts {
    const key = `${level} ${schema}`;
    let counts = this.#counts.get(key);
    if (counts === undefined) {
      counts = new FlowCounts(level, schema);
      this.#counts.set(key, counts);
    }
    return counts;
  }

  #borrowLater(): Timer {
    return this.#clock.after(BORROWING_EVERY_MS, () => {
      this.#borrow();
      this.#borrowing = this.#borrowLater();
    });
  }

  /** Gives the seats out anew, by what was wanted since the last time. */
  #borrow(): void {
    const levels = [...this.#levels.values()];
    const now_ms = this.#pace.now_ms();
    for (const { queues } of levels) queues.demand.adjust(now_ms);
    const { allocations, fairFraction } = allocate(
      levels.map(({ limits, queues: { exempt, demand } }) => ({
        limits,
        exempt,
        highWatermark: demand.highWatermark,
        smoothed: demand.smoothed,
      })),
    );
    this.#fairFraction = fairFraction;
    for (const [index, level] of levels.entries()) {
      level.allocation = allocations[index] ?? level.allocation;
      level.queues.resize(level.allocation.seats);
    }
  }

  #takeUp(): void {
    this.#stale = false;
    const configurations = this.#all(LEVELS, DEFAULT_LEVELS);
    const schemas = this.#all(SCHEMAS, DEFAULT_SCHEMAS);
    const shares = configurations.reduce((sum, { spec }) => sum + sharesOf(spec), 0);
    const names = new Set<string>();
    for (const { metadata, spec } of configurations) {
      names.add(metadata.name);
      const limits = limitsOf(spec, SEATS, shares);
      let level = this.#levels.get(metadata.name);
      if (level === undefined) {
        const allocation = { seats: firstSeats(limits), target: limits.nominal };
        const queues = new PriorityLevel(this.#pace);
        queues.resize(allocation.seats);
        level = { name: metadata.name, queues, retryAfter: new RetryAfter(), uid: "", limits, allocation, quiescing: false };
        this.#levels.set(metadata.name, level);
      }
      level.uid = metadata.uid;
      level.quiescing = false;
      level.limits = limits;
      level.queues.configure(spec);
    }
    for (const [name, level] of this.#levels) {
      if (names.has(name)) continue;
      level.quiescing = level.queues.waiting > 0 || level.queues.executing.size > 0;
      if (!level.quiescing) this.#levels.delete(name);
    }
    this.#borrow();
    this.#schemas = inOrder(schemas);
    this.#routes.clear();
  }

  /** What is stored, and of Kubernetes' own what is not. */
  #all<T extends FlowSchema | PriorityLevelConfiguration>(resource: string, defaults: readonly T[]): readonly T[] {
    const stored = this.#view.list(resource).map((entry) => this.#view.decode<T>(entry));
    const names = new Set(stored.map(({ metadata }) => metadata.name));
    return [...stored, ...defaults.filter(({ metadata }) => !names.has(metadata.name))];
  }
}

/** Of requests that no schema takes. */
const NOWHERE: FlowSchema = {
  metadata: { name: CATCH_ALL, uid: "", creationTimestamp: "" },
  spec: { priorityLevelConfiguration: { name: CATCH_ALL } },
};
