import type { ActorKind } from "./actor.ts";
import { type Address, addressOf } from "./address.ts";
import type { HostCounters } from "./counters.ts";
import type { HostSnapshot, SnapshotOptions } from "./snapshot.ts";
import { unknownMessage } from "./unknown-message.ts";
import type { PoolState } from "./worker-pool.ts";

/** The kind of which every host has one actor, `host/<name of the host>`: a directory places it there and nowhere else. */
export const HOST_KIND = "host";

/** Questions that may wait; who asks is a person or a scraper, so a host that many wait for is stuck. */
const HOST_MAILBOX_MESSAGES = 64;

/** A host answers for itself, `host/<name>`: so it is seen from any other over the kernel's own messages. It promises to change nothing. */
export type HostMessage =
  /** Answered with a HostReport of this moment: of a size that does not grow with the number of actors. */
  | { readonly type: "report" }
  /** Answered with a HostSnapshot. */
  | { readonly type: "snapshot"; readonly options: SnapshotOptions };

/** What a host says of itself when it is asked for its measures. */
export interface HostReport {
  readonly host: string;
  /** Of the host's monotonic clock: rates are differences between two reports. */
  readonly taken_ms: number;
  readonly counters: HostCounters;
  /** Used by JavaScript objects of the host's thread. */
  readonly heap_bytes: number;
  readonly pools: readonly PoolState[];
  /** What those who run on the host measure of their own. */
  readonly measures: readonly Measure[];
}

/** One number at one moment, as Prometheus names such things. */
export interface Measure {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly value: number;
}

/** What the kind needs of its host. */
export interface ObservedHost {
  readonly name: string;
  counters(): HostCounters;
  snapshot(options?: SnapshotOptions): Promise<HostSnapshot>;
}

/** A worker pool of the host's. */
export interface ObservedPool {
  snapshot(): PoolState;
}

/** Where the host with this name answers for itself. */
export function hostAddress(name: string): Address {
  return addressOf(HOST_KIND, name);
}

/** The kind for this host. `pools` and `measures` are those that the host has at the moment of a report. */
export function hostKind(
  host: ObservedHost,
  pools: () => readonly ObservedPool[] = () => [],
  measures: () => readonly Measure[] = () => [],
): ActorKind<HostMessage> {
  return {
    kind: HOST_KIND,
    mailboxCapacity: HOST_MAILBOX_MESSAGES,
    supervision: { strategy: "resume" },
    activate: ({ clock }) => ({
      async receive(message, sender) {
        switch (message.type) {
          case "report": {
            const report: HostReport = {
              host: host.name,
              taken_ms: clock.monotonic_ms(),
              counters: host.counters(),
              heap_bytes: process.memoryUsage().heapUsed,
              pools: pools().map((pool) => pool.snapshot()),
              measures: measures(),
            };
            sender.answer(report);
            return;
          }
          case "snapshot":
            sender.answer(await host.snapshot(message.options));
            return;
          default:
            unknownMessage(message);
        }
      },
    }),
  };
}
