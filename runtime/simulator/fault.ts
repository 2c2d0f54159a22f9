import type { Random } from "../time.ts";

interface FaultBase {
  /** True time at which it begins. */
  readonly at_ms: number;
  readonly for_ms: number;
}

/**
 * One thing that goes wrong. Plain data, made from the seed before a run begins, so that a plan can be cut. Hosts are numbers, taken modulo the
 * number of hosts there are; a fault that makes no sense when it begins (a pause of a dead host) does nothing.
 */
export type Fault =
  /** As by SIGSTOP and SIGCONT. */
  | (FaultBase & { readonly kind: "pause"; readonly host: number })
  /** As by kill -9; comes back under its name after `for_ms`. The server sees the connection end after `noticed_ms`. */
  | (FaultBase & { readonly kind: "kill"; readonly host: number; readonly noticed_ms: number })
  /** Stops in good order, and comes back after `for_ms`. */
  | (FaultBase & { readonly kind: "leave"; readonly host: number })
  /** The connection to the server breaks; either end notices after its time, or when it is made anew. */
  | (FaultBase & {
      readonly kind: "disconnect";
      readonly host: number;
      readonly client_notices_ms: number;
      readonly server_notices_ms: number;
    })
  /** Nothing of what one host sends reaches the other, and neither learns of it. */
  | (FaultBase & { readonly kind: "partition"; readonly from: number; readonly to: number })
  /** All that a host sends and receives takes longer. */
  | (FaultBase & { readonly kind: "slow"; readonly host: number; readonly by_ms: number })
  /** The server ends and comes back: all connections break at once. Clients notice after their time, or when it is back. */
  | (FaultBase & { readonly kind: "server away"; readonly clients_notice_ms: number });

/** One fault begins in one of these times, on average: in some runs they come alone, in others on top of one another. */
const FAULT_EVERY_MS = [6_000, 20_000, 60_000] as const;

/** The longest pause, partition or absence. Longer than any lease, so that some hosts are given up and some are not. */
const FAULT_MS_MAX = 30_000;

/** A plan for a run of this length, in which one begins every `every_ms` on average, drawn too by default. Everything is whole again when the run ends. */
export function planFaults(
  random: Random,
  duration_ms: number,
  every_ms: number = FAULT_EVERY_MS[random.below(FAULT_EVERY_MS.length)] ?? FAULT_EVERY_MS[0],
): Fault[] {
  const faults: Fault[] = [];
  const gap = (): number => random.next() * 2 * every_ms;
  for (let at_ms = gap(); at_ms < duration_ms; at_ms += gap()) {
    const fault = oneFault(random, Math.round(at_ms), Math.round(length(random)));
    if (fault.at_ms + fault.for_ms < duration_ms) faults.push(fault);
  }
  return faults;
}

/** Short ones often, long ones now and then. */
function length(random: Random): number {
  return 10 + FAULT_MS_MAX * random.next() ** 3;
}

function oneFault(random: Random, at_ms: number, for_ms: number): Fault {
  const host = random.below(1_000);
  const soon = (): number => Math.round(2_000 * random.next() ** 2);
  switch (random.below(8)) {
    case 0:
    case 1:
      return { kind: "pause", at_ms, for_ms, host };
    case 2:
      return { kind: "kill", at_ms, for_ms, host, noticed_ms: soon() };
    case 3:
      return { kind: "leave", at_ms, for_ms, host };
    case 4:
      return { kind: "disconnect", at_ms, for_ms, host, client_notices_ms: soon(), server_notices_ms: soon() };
    case 5:
      return { kind: "partition", at_ms, for_ms, from: host, to: random.below(1_000) };
    case 6:
      return { kind: "slow", at_ms, for_ms, host, by_ms: random.below(2_000) };
    default:
      return { kind: "server away", at_ms, for_ms, clients_notice_ms: soon() };
  }
}

/** One line for people. */
export function faultText(fault: Fault): string {
  const { kind, at_ms, for_ms, ...rest } = fault;
  const more = Object.entries(rest).map(([name, value]) => `${name}=${value}`);
  return [kind, `at ${(at_ms / 1_000).toFixed(3)} s`, `for ${(for_ms / 1_000).toFixed(3)} s`, ...more].join(" ");
}
