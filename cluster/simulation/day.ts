import type { Batch } from "../../actors/mod.ts";
import { LINK_LIMITS } from "../../runtime/link.ts";
import type { Logger } from "../../runtime/mod.ts";
import { type Happened, type Run, type Scenario, type Seat, simulate } from "../../runtime/simulator/mod.ts";
import type { Role } from "../boot/layout.ts";
import { HOST_LEASE_MS, HOST_RENEW_MS } from "../boot/members.ts";
import { unsettled } from "./calm-checks.ts";
import { ClusterHost, type ClusterParts, kindsOffered } from "./cluster-host.ts";
import { CommitChecks } from "./commit-checks.ts";
import { type DayPlan, type Planned, quotaOfPoor } from "./day-plan.ts";
import { Ledger } from "./ledger.ts";
import { NodeNetwork } from "./node-network.ts";
import { RunningPods } from "./running-pods.ts";
import { SharedStore } from "./shared-store.ts";
import { type Door, furnish, perform } from "./user.ts";

/** Every host has everything: so each role has somebody to take it over. */
const ROLES: readonly Role[] = ["gateway", "store", "controllers", "scheduler", "nodes"];
/** Long timers, which are heartbeats, fire together at every so many: hosts and nodes write together then, as one batch. */
const TIMER_GRAIN_MS = 2_500;
/** What a nats-server of ours takes. */
const PAYLOAD_MAX_BYTES: number = 8 * 1024 * 1024;
/** How often each door looks for something to do. */
const WORK_EVERY_MS = 5_000;
/** What is not settled is only a fault when it is so at each of so many looks: somebody may be just at it. */
const CALM_LOOKS = 6;
const CALM_LOOK_EVERY_MS = 60_000;
const UNSETTLED_SHOWN_MAX = 10;
/** By then everybody has heard that a Node was removed: with the next heartbeat of who plays it, if not before. */
const REMOVAL_HEARD_MS = 3 * 60_000;

/** What a day came to. */
export interface Day {
  readonly run: Run;
  readonly ledger: Ledger;
  /** Of pods, how many were made. */
  readonly pods: number;
  /** Warnings and errors that hosts logged, by text. */
  readonly troubles: ReadonlyMap<string, number>;
}

interface Work {
  readonly deed: Planned | "furnish";
  /** Who is at it. */
  seat: Seat | undefined;
  done: boolean;
}

/** Lives a day of a cluster: its store, scheduler, controllers and nodes, as boot/ puts them together, on virtual time and a bad network. */
export async function liveDay(plan: DayPlan, options: { readonly heard?: (happened: Happened) => void } = {}): Promise<Day> {
  const simulation = new DaySimulation(plan, options.heard);
  const { seed, duration_ms, hosts, faults } = plan;
  const run = await simulate(() => simulation.scenario(), { seed, duration_ms, size: { hosts, actors: plan.nodes }, faults });
  return { run, ledger: simulation.ledger, pods: simulation.pods, troubles: simulation.troubles };
}

class DaySimulation {
  readonly ledger: Ledger = new Ledger();
  readonly troubles: Map<string, number> = new Map();
  pods = 0;
  readonly #plan: DayPlan;
  readonly #heard: ((happened: Happened) => void) | undefined;
  readonly #network = new NodeNetwork();
  readonly #checks: CommitChecks;
  readonly #hosts = new Map<Seat, ClusterHost>();
  readonly #running = new RunningPods(
    (name, uids) => this.#find("no two pods of one name run at a time", `containers of ${uids.join(" and ")} run as ${name}`),
    (seat, node) => this.#counts(seat, node),
  );
  readonly #works: Work[];
  /** When each Node was removed last, by name. */
  readonly #removed_ms = new Map<string, number>();
  /** Until when each host may act, in true time. */
  readonly #leases = new Map<string, number>();
  /** Found by a commit, and not told yet. */
  #finding: { readonly invariant: string; readonly text: string } | undefined;
  #now_ms = 0;
  /** What was not settled at each look since the calm began. */
  #unsettled: ReadonlyMap<string, string> | undefined;
  #looks = 0;
  #nextLook_ms: number;
  #calms: readonly number[];

  constructor(plan: DayPlan, heard: ((happened: Happened) => void) | undefined) {
    this.#plan = plan;
    this.#heard = heard;
    this.#checks = new CommitChecks(this.ledger, (node) => this.#network.isCut(node));
    this.#works = ["furnish" as const, ...plan.deeds].map((deed) => ({ deed, seat: undefined, done: false }));
    this.#calms = plan.calms;
    this.#nextLook_ms = this.#firstLook();
  }

  scenario(): Scenario {
    const store = new SharedStore((sequence, bytes) => this.#committed(store.readBatch(sequence, bytes)));
    const parts: ClusterParts = {
      store,
      nodes: this.#plan.nodes,
      apps: this.#plan.estate.apps,
      network: this.#network,
      running: this.#running,
      log: (seat) => this.#logOf(seat),
    };
    return {
      lease_ms: HOST_LEASE_MS,
      renew_ms: HOST_RENEW_MS,
      timerGrain_ms: TIMER_GRAIN_MS,
      payloadMax_bytes: PAYLOAD_MAX_BYTES,
      linkLimits: LINK_LIMITS,
      givesUp: true,
      hosts: Array.from({ length: this.#plan.hosts }, (_, index) => ({ host: `host-${index}`, kinds: kindsOffered(ROLES) })),
      prepare: async (seat) => void this.#hosts.set(seat, await ClusterHost.open(seat, parts, ROLES)),
      kinds: (seat) => this.#hostOf(seat).kinds(),
      workload: (seat) => void this.#live(seat),
      invariants: [
        {
          name: "the cluster",
          saw: (happened) => this.#saw(happened),
        },
      ],
    };
  }

  /**
   * A host that stands still, or whose lease has run out, does nothing until it learns that it was removed. And who removes a Node says that its machine
   * is no more: for a while it may not have heard of that itself.
   */
  #counts(seat: Seat, node: string): boolean {
    const acts = !seat.paused && (this.#leases.get(seat.host) ?? 0) > this.#now_ms;
    return acts && this.#now_ms - (this.#removed_ms.get(node) ?? Number.NEGATIVE_INFINITY) > REMOVAL_HEARD_MS;
  }

  #hostOf(seat: Seat): ClusterHost {
    const host = this.#hosts.get(seat);
    if (host === undefined) throw new Error(`${seat.host} has not been opened`);
    return host;
  }

  async #live(seat: Seat): Promise<void> {
    for (const [other] of this.#hosts) if (!other.alive) this.#hosts.delete(other);
    this.#running.forgetDead();
    const host = this.#hostOf(seat);
    await host.begin();
    const door: Door = { registry: host.registry, view: host.view, clock: seat.clock, now_ms: () => this.#now_ms };
    const look = (): void => {
      for (const work of this.#works) {
        if (work.deed !== "furnish" && work.deed.at_ms > this.#now_ms) break;
        if (work.done || work.seat?.alive === true) continue;
        // Who was at it has died: somebody else does it, from the beginning.
        work.seat = seat;
        void this.#do(work, door, seat);
      }
      while (this.#works[0]?.done === true) this.#works.shift();
      seat.clock.after(WORK_EVERY_MS, look);
    };
    look();
  }

  async #do(work: Work, door: Door, seat: Seat): Promise<void> {
    const { deed } = work;
    seat.note("user", deed === "furnish" ? deed : { ...deed, ...("app" in deed ? { app: `${deed.app.namespace}/${deed.app.name}` } : {}) });
    try {
      if (deed === "furnish") await furnish(door, this.#plan.estate, quotaOfPoor(this.#plan.estate));
      else await perform(door, deed, this.#network);
    } catch (error) {
      this.#find("what users ask for is not refused", `${JSON.stringify(deed)}: ${String(error)}`);
    }
    work.done = true;
  }

  #committed(batch: Batch): void {
    try {
      this.#check(batch);
    } catch (error) {
      // To the writer it would look as if the log had failed.
      this.#find("the checks themselves", (error as Error).stack ?? String(error));
    }
  }

  #check({ records }: Batch): void {
    for (const record of records) {
      const commit = this.ledger.apply(record, this.#now_ms);
      if (commit === undefined) continue;
      if (commit.before === undefined && commit.key.startsWith("pods/")) this.pods += 1;
      if (commit.now === undefined && commit.key.startsWith("nodes/"))
        this.#removed_ms.set(commit.key.slice("nodes/".length), commit.at_ms);
      const finding = this.#checks.check(commit);
      if (finding !== undefined) this.#find("every commit", finding);
    }
  }

  #find(invariant: string, text: string): void {
    this.#finding ??= { invariant, text };
  }

  #saw(happened: Happened): string | undefined {
    this.#now_ms = happened.at_ms;
    if (happened.what === "log") this.#noteTrouble(happened.level, happened.text);
    else if (happened.what === "lease") this.#leases.set(happened.host, happened.until_ms);
    this.#heard?.(happened);
    if (happened.at_ms >= this.#nextLook_ms) this.#lookAtCalm();
    return this.#finding === undefined ? undefined : `${this.#finding.invariant}: ${this.#finding.text}`;
  }

  #firstLook(): number {
    const [calm] = this.#calms;
    return calm === undefined ? Number.POSITIVE_INFINITY : calm - CALM_LOOKS * CALM_LOOK_EVERY_MS;
  }

  /** What is amiss at every look of the last minutes of a calm time will not mend itself. */
  #lookAtCalm(): void {
    const now = new Map([...this.#missing(), ...unsettled(this.ledger)].map((text) => [text.split(" ")[0] ?? "", text]));
    this.#unsettled = this.#unsettled === undefined ? now : new Map([...now].filter(([subject]) => this.#unsettled?.has(subject)));
    this.#looks += 1;
    this.#nextLook_ms += CALM_LOOK_EVERY_MS;
    if (this.#looks < CALM_LOOKS) return;
    const left = [...this.#unsettled.values()];
    if (left.length > 0) {
      const more = left.length > UNSETTLED_SHOWN_MAX ? `\n  and ${left.length - UNSETTLED_SHOWN_MAX} more` : "";
      this.#find("in calm times everything settles", `${left.slice(0, UNSETTLED_SHOWN_MAX).join("\n  ")}${more}`);
    }
    this.#unsettled = undefined;
    this.#looks = 0;
    this.#calms = this.#calms.slice(1);
    this.#nextLook_ms = this.#firstLook();
  }

  /** What was there from the first minutes on, and what was taken away and has come back. */
  #missing(): readonly string[] {
    const { nodes, estate } = this.#plan;
    const there = { nodes: this.ledger.all("nodes").length, apps: 0 };
    for (const kind of ["deployments.apps", "statefulsets.apps"]) there.apps += this.ledger.all(kind).length;
    if (there.nodes < nodes) return [`nodes are ${there.nodes} of ${nodes}`];
    return there.apps < estate.apps.length ? [`apps are ${there.apps} of ${estate.apps.length}`] : [];
  }

  #logOf(seat: Seat): Logger {
    const at =
      (level: string) =>
      (fields: object, text: string): void => {
        this.#noteTrouble(level, text);
        this.#heard?.({ what: "log", at_ms: this.#now_ms, host: seat.host, life: seat.life, level, text, fields });
      };
    return { debug: () => undefined, info: at("info"), warn: at("warn"), error: at("error") };
  }

  #noteTrouble(level: string, text: string): void {
    if (level === "warn" || level === "error") this.troubles.set(text, (this.troubles.get(text) ?? 0) + 1);
  }
}
