import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { runCase } from "./cases.ts";
import { Choices } from "./choices.ts";
import { Session } from "./session.ts";

/** Choices that one case may take before it only takes the plainest. */
const CHOICES_MAX = 120;
const CHOICE_MAX = 0xffff;
/** Cases of one seed; the next so many are those of the next seed. A failure is seen again with its own. */
const SEED_CASES = 40;
/** Seeds before the gateway is ended and another begun, so that what is stored for good does not look like a leak. */
const SESSION_SEEDS = 12;
/** What the heap may grow by from the end of the first gateway to that of the last: caches fill, and no more. */
const HEAP_GROWTH_BYTES_MAX = 96 * 1024 * 1024;
/** Gateways after which the caches are as full as they get. */
const SETTLED_SESSIONS = 2;

export interface Outcome {
  readonly cases: number;
  readonly requests: number;
  readonly seeds: number;
  /** Bytes of heap in use after each gateway was ended, garbage collected. */
  readonly heaps: readonly number[];
  /** What broke, how to see it again, and the requests of the smallest case; undefined when all held. */
  readonly failure: string | undefined;
}

/** Cases that are tried to find a smaller one that fails. */
const SHRINKS_MAX = 400;

const choiceNumbers = fc.array(fc.nat(CHOICE_MAX), { maxLength: CHOICES_MAX, size: "max" });

/** Hears how it goes. */
export interface Observer {
  /** After each gateway. */
  told?(outcome: Outcome): void;
  /** Before each case. */
  begins?(numbers: readonly number[]): void;
  /** Of a failure, before its smallest case is looked for. */
  seen?(failure: string, numbers: readonly number[]): void;
}

/** Asks strange things, one seed after another from `first` on, for so long. */
export async function fuzz(first: number, duration_ms: number, observer: Observer = {}): Promise<Outcome> {
  const until_ms = performance.now() + duration_ms;
  const heaps: number[] = [];
  let cases = 0;
  let requests = 0;
  let seed = first;
  let failure: string | undefined;
  const outcome = (): Outcome => ({ cases, requests, seeds: seed - first, heaps, failure });
  do {
    const session = await Session.start();
    try {
      for (let turn = 0; turn < SESSION_SEEDS && failure === undefined && (turn === 0 || performance.now() < until_ms); turn++, seed++) {
        let shrinking = 0;
        const property = fc.asyncProperty(choiceNumbers, async (numbers) => {
          cases++;
          if (shrinking > SHRINKS_MAX) return;
          if (shrinking > 0) shrinking++;
          observer.begins?.(numbers);
          try {
            await runCase(session, new Choices(numbers));
          } catch (error) {
            if (shrinking++ === 0) observer.seen?.(String(error), numbers);
            throw error;
          }
        });
        const run = await fc.check(property, { seed, numRuns: SEED_CASES });
        if (run.failed) failure = await report(run, session, seed);
      }
    } finally {
      requests += session.requests;
      await session.stop();
    }
    heaps.push(heapInUse());
    failure ??= grown(heaps);
    observer.told?.(outcome());
  } while (failure === undefined && performance.now() < until_ms);
  return outcome();
}

/** Has the smallest case once more, for its requests. */
async function report(run: fc.RunDetails<[number[]]>, session: Session, seed: number): Promise<string> {
  const [numbers] = run.counterexample ?? [[]];
  const error = run.errorInstance instanceof Error ? (run.errorInstance.stack ?? run.errorInstance.message) : String(run.errorInstance);
  await runCase(session, new Choices(numbers)).catch(() => {});
  const again = `again: npm run fuzz -- --seed ${seed}; the smallest case alone: npm run fuzz -- --case ${numbers.join(",")}`;
  return `${error}\n\n${session.story()}\n\n${again}\n`;
}

function grown(heaps: readonly number[]): string | undefined {
  const settled = heaps[SETTLED_SESSIONS - 1];
  const last = heaps.at(-1);
  if (settled === undefined || last === undefined || last - settled <= HEAP_GROWTH_BYTES_MAX) return undefined;
  return `the heap grows: ${heaps.map((bytes) => Math.round(bytes / 1e6)).join(", ")} MB after one gateway after another\n`;
}

/** Has one case, given as its choices. Gives what broke; undefined when all held. */
export async function fuzzCase(numbers: readonly number[]): Promise<string | undefined> {
  const session = await Session.start();
  try {
    await runCase(session, new Choices(numbers));
    return undefined;
  } catch (error) {
    return `${(error as Error).stack}\n\n${session.story()}\n`;
  } finally {
    await session.stop();
  }
}

const collect = ((): (() => void) => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
})();

function heapInUse(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
