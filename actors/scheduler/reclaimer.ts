import type { Inventory, Usage } from "../../scheduler-core/mod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import type { View } from "../store/view.ts";
import { type EndingOptions, endPod } from "./ending.ts";
import type { Intake } from "./intake.ts";
import { withReclaim } from "./messages.ts";
import { Reservation } from "./nominations.ts";
import { isOffline, LENT_NAMES } from "./overcommit.ts";
import type { PodRecord } from "./pod-record.ts";

export interface ReclaimerOptions extends EndingOptions {
  readonly view: View;
  readonly inventory: Inventory;
  readonly intake: Intake;
  readonly now: () => string;
  /** Whether a node is this shard's to look after. */
  readonly owns: (node: string) => boolean;
}

/** Ends offline pods where what they borrowed is wanted back: of the lowest priority first, of those the one that came last. */
export class Reclaimer {
  readonly #options: ReclaimerOptions;

  constructor(options: ReclaimerOptions) {
    this.#options = options;
  }

  /** Looks at nodes that lend less than before. */
  reclaim(nodes: Iterable<string>): void {
    const { inventory, intake, owns } = this.#options;
    for (const node of nodes) {
      const slot = inventory.slotOf(node);
      if (slot === undefined || !owns(node)) continue;
      const over = LENT_NAMES.map((name) => inventory.columns.of(name)).map((column) => ({
        column,
        amount: inventory.cluster.requested(slot, column) - inventory.cluster.allocatable(slot, column),
      }));
      if (over.every(({ amount }) => amount <= 0)) continue;
      const borrowers = [...intake.on(node)]
        .filter(
          (tenant): tenant is PodRecord =>
            !(tenant instanceof Reservation) && isOffline({ metadata: { labels: tenant.peer.facts.labels } as Pod["metadata"] }),
        )
        .reverse()
        .sort((a, b) => Number(b.isVictim) - Number(a.isVictim) || a.priority - b.priority);
      for (const borrower of borrowers) {
        if (over.every(({ amount }) => amount <= 0)) break;
        for (const each of over) each.amount -= amountOf(borrower.usage, each.column);
        this.#end(borrower, node);
      }
    }
  }

  #end(borrower: PodRecord, node: string): void {
    const { view, now } = this.#options;
    const pod = view.get<Pod>(borrower.key);
    if (borrower.isVictim || pod === undefined || pod.metadata.uid !== borrower.uid) return;
    borrower.isVictim = true;
    endPod(this.#options, borrower, pod, {
      told: (current) => withReclaim(current, now()),
      event: ["Reclaimed", `What it borrowed on node ${node} is wanted back`],
      failed: "offline pod not ended",
    });
  }
}

function amountOf({ columns, amounts }: Usage, column: number): number {
  const at = columns.indexOf(column);
  return at < 0 ? 0 : (amounts[at] as number);
}
