import {
  type ClassHandle,
  Draw,
  diagnose,
  explain,
  IndexCache,
  type Inventory,
  placeBatch,
  UNPLACED,
} from "../../../scheduler-core/mod.ts";
import type { ResourceResourceClaim as ResourceClaim } from "../../kinds/generated/types.ts";
import { ResourceClaimKind } from "../../kinds/resource/resource-claim.ts";
import { SCHEDULER } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import type { Binder } from "../binder.ts";
import type { Intake } from "../intake.ts";
import { DEALLOCATED, NOTHING_TO_GIVE_BACK } from "../messages.ts";
import type { Candidate, PodRecord } from "../pod-record.ts";
import type { SchedulingQueue } from "../queue.ts";
import type { Rejections } from "../rejections.ts";
import type { SchedulerRegistry, Writes } from "../writes.ts";
import { AllocationError } from "./allocator.ts";
import { ClaimsOnNodes } from "./claims-on-nodes.ts";

/** Pods with claims that are decided in one turn: each looks at all nodes. */
const PODS_MAX = 64;

export interface DevicePlacerOptions {
  readonly view: View;
  readonly inventory: Inventory;
  readonly intake: Intake;
  readonly queue: SchedulingQueue<PodRecord>;
  readonly binder: Binder;
  readonly rejections: Rejections;
  readonly registry: SchedulerRegistry;
  readonly writes: Writes;
  readonly random: Draw;
}

/**
 * Decides pods that claim devices, one by one and not in the pool: of the nodes that the plugins let pass, the best whose devices do. What each gets is in use from then on,
 * and is written with its binding. Source: the plugin DynamicResources.
 */
export class DevicePlacer {
  readonly #options: DevicePlacerOptions;
  readonly #indexes = new IndexCache();

  constructor(options: DevicePlacerOptions) {
    this.#options = options;
  }

  /** Decides those that claim devices; answers the others. */
  takeOut(records: readonly PodRecord[], seen: number, now_ms: number): PodRecord[] {
    const { queue } = this.#options;
    let decided = 0;
    return records.filter((record) => {
      const { devices, ticket } = record.candidate as Candidate;
      if (devices === undefined) return true;
      if (decided++ < PODS_MAX) this.place(record, this.#ranked(record), seen, now_ms);
      else queue.putBack(ticket);
      return false;
    });
  }

  /** `ranked`: the nodes that would take the pod but for its claims, the best first. */
  place(record: PodRecord, ranked: readonly string[], seen: number, now_ms: number): void {
    const { view, inventory, intake, queue, binder, rejections } = this.#options;
    const candidate = record.candidate as Candidate;
    const claims = new ClaimsOnNodes(intake.devices, view, candidate.devices ?? []);
    const refusal = claims.refusal();
    if (refusal !== undefined) {
      rejections.refuseClaims(record, refusal, now_ms);
      return;
    }
    const reasons = new Map<string, number>();
    try {
      for (const name of ranked) {
        const answer = claims.ask(inventory.factsOf(inventory.slotOf(name) ?? -1) ?? { name, labels: {} });
        if ("reason" in answer) {
          reasons.set(answer.reason, (reasons.get(answer.reason) ?? 0) + 1);
          continue;
        }
        if (!this.#count(record, candidate.handle, name)) {
          queue.putBack(candidate.ticket);
          return;
        }
        intake.assume(record, name);
        intake.devices.grant(record, answer.grants);
        binder.bind(record, candidate, name, seen);
        return;
      }
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      rejections.fail(record, `running "DynamicResources" filter plugin: ${error.message}`, now_ms);
      return;
    }
    const back = claims.toGiveBack(record.uid);
    if (back !== undefined) this.#giveBack(back);
    const pods = inventory.ready(candidate.handle, record.peer);
    const pin = candidate.pin === undefined ? -1 : intake.slotOfPin(candidate.pin);
    const diagnosis = diagnose(inventory.cluster, pods, pin, intake.nominations.guests());
    rejections.rejectClaims(record, diagnosis, reasons, back === undefined ? NOTHING_TO_GIVE_BACK : DEALLOCATED, now_ms);
  }

  /** The nodes that the plugins let pass, the best first, those that are as good in random order. */
  #ranked(record: PodRecord): string[] {
    const { inventory, intake, random } = this.#options;
    const { handle, pin } = record.candidate as Candidate;
    intake.nominations.release(record);
    const answers = explain(inventory.cluster, inventory.ready(handle, record.peer), intake.nominations.guests());
    const nodes = answers.flatMap((answer) => {
      const name = inventory.nameOf(answer.slot);
      return answer.feasible && (pin === undefined || pin === name) ? [{ name, total: answer.total, lot: random.below(2 ** 30) }] : [];
    });
    return nodes.sort((a, b) => b.total - a.total || a.lot - b.lot).map(({ name }) => name);
  }

  /** Counts the pod on the node; false: it has no room by now. */
  #count(record: PodRecord, handle: ClassHandle, node: string): boolean {
    const { inventory, intake } = this.#options;
    const batch = {
      classes: [inventory.ready(handle, record.peer)],
      pods: Int32Array.of(0),
      pins: Int32Array.of(intake.slotOfPin(node)),
      guests: intake.nominations.guests(),
    };
    return placeBatch(inventory.cluster, batch, this.#indexes, new Draw(1)).slots[0] !== UNPLACED;
  }

  #giveBack({ metadata }: ResourceClaim): void {
    const { registry, writes } = this.#options;
    const { namespace, name, uid } = metadata;
    const without = (claim: ResourceClaim): ResourceClaim | undefined =>
      claim.metadata.uid === uid ? { ...claim, status: {} } : undefined;
    const options = { author: SCHEDULER, fieldManager: "kube-scheduler", subresource: "status" } as const;
    const done = (): void => undefined;
    // Where somebody else was faster the next try finds out.
    writes.submit(() => registry.modify(ResourceClaimKind, namespace, name, without, options).then(done, done));
  }
}
