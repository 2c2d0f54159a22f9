import { follow, sleep } from "../../../actors/store/follow.ts";
import type { Log } from "../../../actors/store/log.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import { decodeBatch } from "../../../actors/store/record.ts";
import { Replica } from "../../../actors/store/replica.ts";
import type { Outcome } from "../../../actors/store/transaction.ts";
import { WRITER_KIND, type WriterMessage, writerKind } from "../../../actors/store/writer.ts";
import type { ActorKind, Message, Messenger } from "../../../runtime/mod.ts";
import { addressOf, silentLogger } from "../../../runtime/mod.ts";
import type { Invariant, Scenario, ScenarioOf, Seat } from "../../../runtime/simulator/mod.ts";
import { acknowledgementFaults } from "../../histories/acknowledged.ts";
import { linearizabilityFaults } from "../../histories/linearizability.ts";
import type { Happening } from "../../histories/operation.ts";
import { RecordingClient, RecordingWatcher, storedValue } from "../../histories/recording.ts";
import { watchFaults } from "../../histories/watch-guarantees.ts";
import { SimulatedLog } from "./simulated-log.ts";

/** Several addresses of writers on one log: whoever is asked may be the wrong one, and all of them must be safe. */
const WRITERS = [addressOf(WRITER_KIND, "main"), addressOf(WRITER_KIND, "second"), addressOf(WRITER_KIND, "third")];
/** An ask goes to another than the usual writer once in so many times. */
const OTHER_WRITER_ONE_IN = 6;
const CLIENTS = 2;
const KEYS = 3;
/** After so many operations of all clients they go on to other keys: the search for a linearization takes the keys one by one. */
const OPERATIONS_A_KEY_SET = 150;
const WORK_EVERY_MS_MAX = 400;
const RESUME_EVERY_MS = 3_000;

/** Something wrong with the store, to see that it is found. */
export interface PlantedStoreFault {
  /** Replaces what a host uses for its log. */
  readonly log?: (log: Log, shared: MemoryLog) => Log;
  /** Replicas forget which requests were applied. */
  readonly forgetful?: boolean;
}

/** A conflict as a writer told it: the request, and the revision of the key that is in the way. */
interface Told {
  readonly request: string;
  readonly actual: number | undefined;
}

interface Seated {
  readonly seat: Seat;
  readonly replica: Replica;
  readonly watcher: RecordingWatcher;
}

/**
 * The store with several writers on one log, killed, paused and cut off: clients on every host read, write and retry, watchers stop and
 * resume. In the end the whole history must be linearizable, every acknowledged write in the log, and every watch as etcd guarantees it.
 */
export function storeScenario(planted: PlantedStoreFault = {}): ScenarioOf {
  return ({ hosts }): Scenario => {
    const shared = new MemoryLog();
    const clients: RecordingClient[] = [];
    const seated: Seated[] = [];
    const conflicts: Told[] = [];
    let tick = 0;
    let worked = 0;
    const keys = (): string[] => {
      const set = Math.floor(worked / OPERATIONS_A_KEY_SET);
      return Array.from({ length: KEYS }, (_, key) => `things/${set}-${key}`);
    };

    function kinds(seat: Seat): readonly ActorKind<Message>[] {
      const { clock, random } = seat;
      const log = planted.log?.(new SimulatedLog(shared, seat), shared) ?? new SimulatedLog(shared, seat);
      const replica = new Replica({ clock, log: silentLogger, rememberRequests: planted.forgetful !== true });
      follow({ log, replica, clock, logger: silentLogger });
      seated.push({ seat, replica, watcher: new RecordingWatcher(`${seat.host} (${seat.life})`, replica, "things", random) });
      return [writerKind({ log, replica }) as ActorKind<Message>];
    }

    function noteConflict(message: WriterMessage, answer: Promise<Outcome>): void {
      if (message.type !== "propose") return;
      const { request } = message.transaction;
      const note = (outcome: Outcome): void => {
        if (!outcome.committed) conflicts.push({ request, actual: outcome.actual });
      };
      answer.then(note, () => {});
    }

    function workload(seat: Seat): void {
      const { clock, random } = seat;
      const mine = seated.find((each) => each.seat === seat) as Seated;
      const messenger: Messenger = {
        ...seat.messenger,
        ask: (_to, message, options) => {
          const other = random.below(OTHER_WRITER_ONE_IN) === 0 ? 1 + random.below(WRITERS.length - 1) : 0;
          const answer = seat.messenger.ask<Outcome>(WRITERS[other] ?? "writer/main", message, options);
          noteConflict(message as WriterMessage, answer);
          return answer as Promise<never>;
        },
      };
      for (let number = 0; number < CLIENTS; number++) {
        const options = { keys, patient: number % 2 === 0, now: () => ++tick };
        const client = new RecordingClient(
          `${seat.host}.${seat.life}.${number}`,
          { view: mine.replica, messenger, clock, random },
          options,
        );
        clients.push(client);
        void (async () => {
          while (!seat.resting) {
            await client.work();
            worked++;
            await sleep(clock, random.below(WORK_EVERY_MS_MAX));
          }
        })();
      }
      void (async () => {
        while (!seat.resting) {
          await sleep(clock, random.below(RESUME_EVERY_MS));
          mine.watcher.resume();
        }
      })();
    }

    const holds: Invariant = {
      name: "the store is linearizable, loses nothing, and its watches keep etcd's guarantees",
      atRest() {
        const log = happeningsOf(shared);
        const operations = clients.flatMap((client) => client.operations);
        const watches = seated.flatMap(({ watcher, replica }) => watchFaults(watcher.record(replica.revision), log));
        const behind = lagging(seated, log.length);
        const faults = [
          ...acknowledgementFaults(operations, log),
          ...linearizabilityFaults(operations),
          ...forgottenFaults(conflicts, shared),
          ...watches.map(({ guarantee, what }) => `not ${guarantee}: ${what}`),
          ...behind,
        ];
        return faults.length === 0 ? undefined : faults.slice(0, 3).join("\n");
      },
    };

    return {
      hosts: Array.from({ length: hosts }, (_, index) => ({ host: `host-${index}`, kinds: [WRITER_KIND] })),
      kinds,
      workload,
      invariants: [holds],
    };
  };
}

/** The last life of each host has seen all of the log when everything has come to rest. */
function lagging(seated: readonly Seated[], revision: number): string[] {
  const last = new Map(seated.map((each) => [each.seat.host, each]));
  return [...last.values()].flatMap(({ seat, replica }) =>
    replica.revision === revision ? [] : [`the replica of ${seat.host} has stopped at ${replica.revision} of ${revision}`],
  );
}

/** Whoever made a revision is never told that it is in the way: a writer that knows what was applied says so instead. */
function forgottenFaults(conflicts: readonly Told[], log: MemoryLog): string[] {
  const madeBy = new Map<number, string>();
  let request = "";
  for (const [index, bytes] of log.all().entries()) {
    for (const record of decodeBatch(index + 1, bytes).records) {
      request = record.request ?? request;
      madeBy.set(record.revision, request);
    }
  }
  return conflicts
    .filter(({ request, actual }) => actual !== undefined && madeBy.get(actual) === request)
    .map(({ request, actual }) => `request ${request} was told a conflict with revision ${actual}, which it had made itself`);
}

function happeningsOf(log: MemoryLog): Happening[] {
  let transaction = 0;
  return log.all().flatMap((bytes, index) =>
    decodeBatch(index + 1, bytes).records.map(({ op, key, revision, stored, request }): Happening => {
      if (request !== undefined) transaction = revision;
      const type = ({ create: "created", update: "updated", delete: "deleted" } as const)[op];
      return { revision, key, type, value: stored && storedValue(stored.text), transaction };
    }),
  );
}
