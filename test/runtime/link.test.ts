import fc from "fast-check";
import { expect, test } from "vitest";
import { type Envelope, type FrameHead, TELL } from "../../runtime/envelope.ts";
import { costOf, Link, WINDOW_COST } from "../../runtime/link.ts";

/** A frame as the test carries it: the head beside the bytes, which say which frame it is. */
interface Carried {
  readonly head: FrameHead;
  readonly bytes: Uint8Array;
  readonly name: number | undefined;
}

const FRAME_BYTES = 300_000;
const letter = (n: number): Envelope => [TELL, "sum/x", { type: String(n) }];
const NO_BYTES = new Uint8Array();

/** One end, and what it took in. */
class End {
  readonly link: Link;
  readonly taken: number[] = [];
  readonly #packed = new Map<Uint8Array, Carried>();
  missed = 0;

  incarnation = 7;

  constructor(name: string, life: number) {
    this.link = new Link(name, life, () => ({ incarnation: this.incarnation, view: 0 }));
  }

  say(name: number, bytes = FRAME_BYTES): void {
    const frame = new Uint8Array(bytes);
    const head = this.link.head();
    this.#packed.set(frame, { head, bytes: frame, name });
    this.link.load(head, frame, [letter(name)]);
  }

  /** What leaves now; with `interrupted` nothing can. */
  leave(interrupted = false): Carried[] {
    const gone: Carried[] = [];
    this.link.release((bytes) => {
      const carried = this.#packed.get(bytes);
      if (interrupted || carried === undefined) return false;
      gone.push(carried);
      return true;
    });
    return gone;
  }

  /** Frames without envelopes. */
  bare(head: FrameHead | undefined): Carried[] {
    if (head === undefined) return [];
    this.link.answered(head);
    return [{ head, bytes: NO_BYTES, name: undefined }];
  }

  report(): Carried[] {
    return this.link.owes ? this.bare(this.link.reportHead()) : [];
  }

  take({ head, bytes, name }: Carried): boolean {
    const { fresh, replaced, missed } = this.link.hear(head, name === undefined ? 0 : costOf(bytes.byteLength, 1));
    this.missed += missed;
    if (fresh && name !== undefined) this.taken.push(name);
    return replaced;
  }
}

/** Carries everything both ways until nothing moves. */
function settle(one: End, other: End): void {
  for (let round = 0; round < 1_000; round++) {
    const there = [...one.leave(), ...one.report()];
    const back = [...other.leave(), ...other.report()];
    if (there.length + back.length === 0) return;
    for (const carried of there) other.take(carried);
    for (const carried of back) one.take(carried);
  }
  throw new Error("the two never come to rest");
}

/** Both have heard of one another. */
function acquainted(): [End, End] {
  const pair: [End, End] = [new End("one", 11), new End("other", 22)];
  pair[0].say(-1, 10);
  settle(...pair);
  pair[1].taken.length = 0;
  return pair;
}

const range = (from: number, below: number): number[] => Array.from({ length: below - from }, (_, index) => from + index);

test("no more than a window is on its way; reports let the rest follow, in order", () => {
  const [one, other] = acquainted();
  for (const n of range(0, 40)) one.say(n);
  const first = one.leave();
  expect(first.length).toBe(Math.ceil(WINDOW_COST / costOf(FRAME_BYTES, 1)));
  expect(one.leave()).toEqual([]);
  expect(one.link.waiting).toBe((40 - first.length) * costOf(FRAME_BYTES, 1));
  for (const carried of first) other.take(carried);
  settle(one, other);
  expect(other.taken).toEqual(range(0, 40));
  expect(one.link.waiting).toBe(0);
});

test("a frame larger than the window leaves alone", () => {
  const [one, other] = acquainted();
  one.say(1, WINDOW_COST * 2);
  one.say(2);
  expect(one.leave().map(({ name }) => name)).toEqual([1]);
  one.bare(one.link.due());
  settle(one, other);
  expect(one.leave().length + other.taken.length, "the first was not carried, the second still waits").toBe(0);
});

test("a window full of lost frames opens again: the probe's report says what is missing, and that is sent again", () => {
  const [one, other] = acquainted();
  for (const n of range(0, 20)) one.say(n);
  const lost = one.leave().map(({ name }) => name);
  expect(lost).toEqual(range(0, lost.length));
  expect(one.link.due(), "the first look only remembers where the other stood").toBeUndefined();
  const probe = one.bare(one.link.due());
  expect(probe).toHaveLength(1);
  expect(one.leave(), "nothing leaves beside the probe").toEqual([]);
  for (const carried of probe) other.take(carried);
  settle(one, other);
  expect(other.taken).toEqual(range(0, 20));
  expect(other.missed).toBe(0);
});

test("frames lost on the way are counted by the receiver and do not stay in the window", () => {
  const [one, other] = acquainted();
  for (const n of range(0, 10)) one.say(n);
  for (const carried of one.leave().filter(({ name }) => name !== 3 && name !== 4)) other.take(carried);
  settle(one, other);
  expect(other.taken).toEqual([0, 1, 2, 5, 6, 7, 8, 9]);
  expect(other.missed).toBe(2 * costOf(FRAME_BYTES, 1));
  expect(one.link.away).toBeLessThan(WINDOW_COST / 4);
});

test("what comes twice is taken once", () => {
  const [one, other] = acquainted();
  for (const n of range(0, 5)) one.say(n);
  const all = one.leave();
  for (const carried of [...all, ...all]) other.take(carried);
  expect(other.taken).toEqual(range(0, 5));
});

test("two full windows do not hold one another up", () => {
  const [one, other] = acquainted();
  for (const n of range(0, 30)) one.say(n);
  for (const n of range(0, 30)) other.say(n);
  settle(one, other);
  expect([one.taken.slice(-30), other.taken]).toEqual([range(0, 30), range(0, 30)]);
});

test("an answer to a probe does not wait behind a closed window", () => {
  const [one, other] = acquainted();
  for (const n of range(0, 30)) {
    one.say(n);
    other.say(n);
  }
  one.leave();
  other.leave();
  // Both windows are full of what was lost, and both sides probe.
  for (const end of [one, other]) expect(end.link.due()).toBeUndefined();
  const probes = [one, other].map((end) => end.bare(end.link.due()));
  for (const carried of probes[0] ?? []) other.take(carried);
  for (const carried of probes[1] ?? []) one.take(carried);
  settle(one, other);
  expect([one.taken.slice(-30), other.taken]).toEqual([range(0, 30), range(0, 30)]);
});

test("after an interruption only what did not arrive is sent again, and what came meanwhile follows", () => {
  const [one, other] = acquainted();
  for (const n of range(0, 6)) one.say(n);
  const [first, second] = one.leave();
  for (const carried of [first, second]) if (carried !== undefined) other.take(carried);
  one.say(6);
  expect(one.leave(true)).toEqual([]);
  one.link.resume();
  const probe = one.link.probeHead();
  one.link.resume();
  expect(one.link.probeHead(), "an interruption while it probes changes nothing").toEqual(probe);
  expect(one.leave()).toEqual([]);
  for (const carried of one.bare(probe)) other.take(carried);
  settle(one, other);
  expect(other.taken).toEqual(range(0, 7));
  expect(other.missed).toBe(0);
});

test("a host that was started anew gets nothing that its former life may have had", () => {
  const [one, other] = acquainted();
  one.say(0);
  one.leave();
  one.say(1);
  one.leave(true);
  const anew = new End("other", 23);
  one.link.resume();
  for (const carried of one.bare(one.link.probeHead())) anew.take(carried);
  const replaced = anew.report().map((carried) => one.take(carried));
  expect(replaced).toEqual([true]);
  settle(one, anew);
  expect(anew.taken, "0 was sent, 1 never was").toEqual([1]);
  expect(other.taken).toEqual([]);
});

test("what was sent before the other was ever heard is not sent again", () => {
  const one = new End("one", 11);
  const other = new End("other", 22);
  one.say(0);
  one.leave();
  one.say(1);
  one.link.resume();
  for (const carried of one.bare(one.link.probeHead())) other.take(carried);
  settle(one, other);
  expect(other.taken).toEqual([1]);
});

test("when the other is lost, what never left comes back, and a successor starts with a whole window", () => {
  const [one] = acquainted();
  for (const n of range(0, 30)) one.say(n);
  const left = one.leave().length;
  expect(one.link.lost()).toEqual(range(left, 30).map(letter));
  expect([one.link.waiting, one.link.away]).toEqual([0, 0]);
  const anew = new End("other", 23);
  for (const n of range(30, 60)) one.say(n);
  settle(one, anew);
  expect(anew.taken).toEqual(range(30, 60));
  expect(one.link.lost()).toEqual([]);
});

test("a smaller limit takes back what was packed under the larger one", () => {
  const [one, other] = acquainted();
  for (const n of range(0, 20)) one.say(n);
  const left = one.leave().length;
  expect(one.link.shrink(FRAME_BYTES)).toEqual([]);
  expect(one.link.shrink(FRAME_BYTES - 1)).toEqual(range(left, 20).map(letter));
  for (const n of range(left, 20)) one.say(n, 1_000);
  one.link.resume();
  for (const carried of one.bare(one.link.probeHead())) other.take(carried);
  settle(one, other);
  expect(other.taken, "what was on its way is too large now").toEqual(range(left, 20));
});

type Step =
  | { readonly do: "say"; readonly bytes: number }
  | { readonly do: "carry"; readonly count: number; readonly lose: boolean; readonly twice: boolean }
  | { readonly do: "interrupt" }
  | { readonly do: "look" }
  | { readonly do: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("say" as const), bytes: fc.integer({ min: 1, max: 2_000_000 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("carry" as const),
      count: fc.integer({ min: 1, max: 20 }),
      lose: fc.boolean(),
      twice: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "interrupt" as const }) },
  { weight: 2, arbitrary: fc.constant({ do: "look" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
);

test("whatever is lost, doubled, interrupted or restarted: at most once, in order, and in the end the window is open", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      let name = 0;
      let life = 100;
      const one = new End("one", 11);
      let other = new End("other", life);
      const takenByAll: number[] = [];
      let there: Carried[] = [];
      let back: Carried[] = [];
      const gather = (): void => {
        there.push(...one.leave(), ...one.report());
        back.push(...other.leave(), ...other.report());
        expect(one.link.away).toBeLessThanOrEqual(WINDOW_COST + costOf(2_000_000, 1));
      };
      for (const each of steps) {
        if (each.do === "say") one.say(name++, each.bytes);
        if (each.do === "look") there.push(...one.bare(one.link.due()));
        if (each.do === "interrupt") {
          there = [];
          back = [];
          one.link.resume();
          there.push(...one.bare(one.link.probeHead()));
        }
        if (each.do === "restart") {
          takenByAll.push(...other.taken);
          other = new End("other", ++life);
          back = [];
        }
        gather();
        if (each.do !== "carry") continue;
        for (const carried of there.splice(0, each.count)) {
          if (!each.lose) other.take(carried);
          if (!each.lose && each.twice) other.take(carried);
        }
        for (const carried of back.splice(0, each.count)) if (!each.lose) one.take(carried);
      }
      // Now the way is good.
      one.say(name++, 1);
      for (let round = 0; round < 4; round++) {
        gather();
        for (const carried of there.splice(0)) other.take(carried);
        for (const carried of back.splice(0)) one.take(carried);
        settle(one, other);
        there.push(...one.bare(one.link.due()));
      }
      takenByAll.push(...other.taken);
      expect(takenByAll).toEqual([...new Set(takenByAll)].sort((a, b) => a - b));
      expect(one.link.waiting).toBe(0);
      expect(takenByAll.at(-1)).toBe(name - 1);
    }),
    { numRuns: 300 },
  );
});

test("what was packed before its host joined, and is not heard, does not keep the window shut", () => {
  const [one, other] = [new End("one", 1), new End("other", 2)];
  one.say(0);
  settle(one, other);
  one.incarnation = 0;
  const full = Math.ceil(WINDOW_COST / costOf(FRAME_BYTES, 1));
  for (let n = 1; n <= full; n++) one.say(n);
  // The other host drops them unheard: they are of nobody.
  expect(one.leave()).toHaveLength(full);
  one.incarnation = 9;
  one.say(100);
  expect(one.leave()).toHaveLength(0);
  for (let look = 0; look < 3; look++) for (const carried of one.bare(one.link.due())) other.take(carried);
  settle(one, other);
  expect(other.taken).toEqual([0, 100]);
});
