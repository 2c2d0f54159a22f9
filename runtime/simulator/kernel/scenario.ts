import type { Happened } from "../happening.ts";
import { nothingVanishes } from "../invariants/accounts.ts";
import { oneActivation } from "../invariants/activations.ts";
import { asksEnd } from "../invariants/asks.ts";
import { deliveredOnceInOrder } from "../invariants/delivery.ts";
import { noTurnWithoutLease } from "../invariants/leases.ts";
import { restartsHappen } from "../invariants/restarts.ts";
import { restsWhenIdle } from "../invariants/rests.ts";
import type { Invariant, Scenario, Size } from "../scenario.ts";
import { KERNEL_KINDS, kernelKinds, supervisorOf } from "./actors.ts";
import { cancelledAtOnce } from "./cancelling.ts";
import { endingsAreHeardOf } from "./death-watch.ts";
import { Door } from "./workload.ts";

/** The kernel's own protocols: placement, supervision, and what is promised of tells and asks. */
export function kernelScenario({ hosts, actors }: Size): Scenario {
  let lastId = 0;
  const nextId = (): number => ++lastId;
  const kinds = KERNEL_KINDS.map(({ kind }) => kind);
  return {
    hosts: Array.from({ length: hosts }, (_, index) => ({ host: `host-${index}`, kinds })),
    kinds: (seat) => kernelKinds(seat, nextId),
    workload: (seat) => new Door(seat, actors, nextId).open(),
    invariants: [
      oneActivation(),
      noTurnWithoutLease(),
      asksEnd(),
      deliveredOnceInOrder(),
      restartsHappen(KERNEL_KINDS),
      nothingVanishes(supervisorOf),
      restsWhenIdle(KERNEL_KINDS),
      endingsAreHeardOf(),
      cancelledAtOnce(),
      answersAreRight(),
    ],
  };
}

/** An answer is that of its ask, every failure has a code, and when all is at rest everybody answers everybody. */
function answersAreRight(): Invariant {
  return {
    name: "answers are those that were asked for, and come when nothing is in their way",
    saw(happened: Happened) {
      if (happened.what === "note" && happened.text === "mixed up") return `an answer of another ask: ${JSON.stringify(happened.data)}`;
      if (happened.what !== "ask failed") return undefined;
      const { host, to, message, code } = happened;
      if (code === undefined || code === "untyped" || code === "mixed up")
        return `the ask ${JSON.stringify(message)} of ${to} failed with ${code}`;
      if (message.type === "probe") return `at rest, ${to} did not answer ${host}: ${code}`;
      return undefined;
    },
  };
}
