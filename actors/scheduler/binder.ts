import type { Clock, Logger } from "../../runtime/mod.ts";
import { chooseVolumes, type Inventory } from "../../scheduler-core/mod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import { SCHEDULER } from "../registry/authors.ts";
import type { EventRecorder } from "../registry/event-recorder.ts";
import { Outdated } from "../registry/writes.ts";
import type { Premises } from "../store/premises.ts";
import type { View } from "../store/view.ts";
import type { Extenders } from "./extenders.ts";
import type { Intake } from "./intake.ts";
import { scheduledMessage } from "./messages.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";
import { premisesOf } from "./premises.ts";
import type { SchedulingQueue } from "./queue.ts";
import { VolumeBinder } from "./volume-binder.ts";
import type { SchedulerRegistry, Writes } from "./writes.ts";

export interface BinderOptions {
  readonly view: View;
  readonly registry: SchedulerRegistry;
  readonly recorder: EventRecorder;
  readonly inventory: Inventory;
  readonly intake: Intake;
  readonly writes: Writes;
  readonly clock: Clock;
  readonly log: Logger;
  readonly extenders: Extenders;
  /** Who this activation of the shard is, to the store. */
  readonly self: string;
  /** Asks for a turn. */
  readonly wake: () => void;
}

/** A member of a group, and where it was placed. */
export interface PlacedMember {
  readonly record: PodRecord;
  readonly node: string;
}

/** Makes assumptions come true: volumes first, then the pod's binding; what is refused goes back into the queue. */
export class Binder {
  readonly #options: BinderOptions;
  readonly #volumes: VolumeBinder;
  /** Pods whose binding was refused since the last turn. */
  #refused: PodRecord[] = [];
  /** Those of them that only need to be decided again, on what has become known. */
  readonly #outdated = new Set<PodRecord>();

  constructor(options: BinderOptions) {
    this.#options = options;
    this.#volumes = new VolumeBinder(options.view, options.registry);
  }

  get hasRefusals(): boolean {
    return this.#refused.length > 0;
  }

  /** Binds an assumed pod, once its volumes are bound. `seen`: the revision on which it was decided. */
  bind(record: PodRecord, candidate: Candidate, node: string, seen: number): void {
    const { inventory, writes, clock, wake } = this.#options;
    const { volumes, profile } = candidate;
    const facts = inventory.factsOf(inventory.slotOf(node) ?? -1);
    if (volumes === undefined || volumes.refusal !== undefined || volumes.unbound.length === 0 || facts === undefined) {
      this.#bind(record, candidate, node, seen);
      return;
    }
    const { unbound } = volumes;
    const chosen = chooseVolumes(volumes.facts.unbound, facts) ?? [];
    writes.submit(() =>
      this.#volumes.choose(unbound, chosen, node).then(
        () => {
          this.#volumes.wait(record, node, seen, unbound, clock.monotonic_ms() + profile.bindTimeout_ms);
          wake();
        },
        (error: unknown) => this.#refuse(record, node, error),
      ),
    );
  }

  /** Binds assumed pods in one transaction: all of them or none. Those whose volumes are to be bound first, or that extenders bind, are bound by themselves. */
  bindTogether(members: readonly PlacedMember[], seen: number): void {
    const { registry, recorder, writes, inventory, self, extenders, view } = this.#options;
    const ready = members.filter(({ record: { key, candidate } }) => {
      const { volumes } = candidate as Candidate;
      const pod = extenders.any ? view.get<Pod>(key) : undefined;
      if (pod !== undefined && extenders.bindsFor(pod)) return false;
      return volumes === undefined || volumes.refusal !== undefined || volumes.unbound.length === 0;
    });
    for (const { record, node } of members) {
      if (!ready.some((member) => member.record === record)) this.bind(record, record.candidate as Candidate, node, seen);
    }
    if (ready.length === 0) return;
    const each = ready.map(({ record, node }) => premisesOf(record, node, inventory, self, seen));
    const premises: Premises = {
      by: self,
      seen,
      checks: [...new Set(each.flatMap(({ checks }) => checks))],
      touches: [...new Set(each.flatMap(({ touches }) => touches))],
    };
    const bindings = ready.map(({ record, node }) => {
      const { namespace = "", name, uid } = (record.candidate as Candidate).about.metadata;
      return { namespace, name, uid, node };
    });
    const abouts = ready.map(({ record }) => (record.candidate as Candidate).about);
    writes.submit(() =>
      registry.bindTogether(bindings, { author: SCHEDULER, premises }).then(
        () => {
          for (const [i, { namespace, name, node }] of bindings.entries()) {
            const about = abouts[i];
            if (about !== undefined) recorder.once(about, "Normal", "Scheduled", scheduledMessage(namespace, name, node));
          }
        },
        (error: unknown) => {
          for (const { record, node } of ready) this.#refuse(record, node, error);
        },
      ),
    );
  }

  /** Goes on with those whose volumes need not be waited for any more. */
  settle(now_ms: number): void {
    for (const { record, node, seen, isBound } of this.#volumes.settled(now_ms)) {
      if (!this.#options.intake.isCurrent(record) || record.candidate === undefined) continue;
      if (isBound) this.#bind(record, record.candidate, node, seen);
      else this.#refuse(record, node, new Error("its volumes were not bound in time"));
    }
  }

  /** Puts the refused back into the queue. */
  takeRefusals(queue: SchedulingQueue<PodRecord>, now_ms: number): void {
    const { intake } = this.#options;
    for (const record of this.#refused) {
      if (!intake.isCurrent(record) || record.candidate === undefined) continue;
      intake.forget(record);
      intake.devices.settle(record);
      if (this.#outdated.delete(record)) queue.putBack(record.candidate.ticket);
      else queue.retry(record.candidate.ticket, now_ms);
      intake.reread(record, now_ms);
    }
    this.#refused = [];
    this.#outdated.clear();
  }

  /** When the first has waited for its volumes long enough; undefined: nobody waits. */
  nextDeadline_ms(): number | undefined {
    return this.#volumes.nextDeadline_ms();
  }

  #refuse(record: PodRecord, node: string, error: unknown): void {
    const { log, wake } = this.#options;
    if (error instanceof Outdated) this.#outdated.add(record);
    else log.warn({ pod: record.key, node, error: String(error) }, "binding refused");
    this.#refused.push(record);
    wake();
  }

  #bind(record: PodRecord, { about }: Candidate, node: string, seen: number): void {
    const { namespace = "", name, uid } = about.metadata;
    const { registry, recorder, writes, inventory, intake, self, extenders, view } = this.#options;
    const claims = intake.devices.grantsOf(record);
    const premises = premisesOf(record, node, inventory, self, seen, claims);
    // Claims are written with the binding, so who has some is bound here.
    const pod = extenders.any && claims.length === 0 ? view.get<Pod>(record.key) : undefined;
    writes.submit(() =>
      (
        (pod === undefined ? undefined : extenders.bind(pod, node)) ??
        registry.bind(namespace, name, uid, node, { author: SCHEDULER, premises, ...(claims.length === 0 ? {} : { claims }) })
      ).then(
        () => recorder.once(about, "Normal", "Scheduled", scheduledMessage(namespace, name, node)),
        (error: unknown) => this.#refuse(record, node, error),
      ),
    );
  }
}
