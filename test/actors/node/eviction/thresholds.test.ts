import { expect, test } from "vitest";
import {
  CALM,
  type EvictionSettings,
  look,
  type Observations,
  type PressureState,
  type Signal,
  type Threshold,
  withAllocatable,
} from "../../../../actors/node/eviction/thresholds.ts";

const hard = (signal: Signal, value: Threshold["value"], minReclaim?: Threshold["minReclaim"]): Threshold => ({
  signal,
  value,
  grace_ms: 0,
  minReclaim,
});
const seen = (available: number, signal: Signal = "memory.available"): Observations => new Map([[signal, { available, capacity: 1_000 }]]);
const settings = (...thresholds: Threshold[]): EvictionSettings => ({ thresholds, transition_ms: 300_000, softGrace_s: 0 });

/** What comes of looks one after the other: `seconds: available` in, `pressures | due` out. */
function looks(wanted: EvictionSettings, ...steps: readonly (readonly [seconds: number, observed: Observations])[]): readonly string[] {
  let state: PressureState = CALM;
  return steps.map(([seconds, observed]) => {
    const looked = look(state, wanted, observed, seconds * 1_000);
    state = looked.state;
    return `${looked.pressures.join(" ")} | ${state.due.map(({ signal }) => signal).join(" ")}`;
  });
}

test("a hard threshold is due at once, and the condition stays for five minutes after", () => {
  const memory = hard("memory.available", { amount: 100 });
  expect(looks(settings(memory), [0, seen(100)], [10, seen(99)], [20, seen(100)], [309, seen(500)], [311, seen(500)])).toEqual([
    " | ",
    "MemoryPressure | memory.available",
    "MemoryPressure | ",
    "MemoryPressure | ",
    " | ",
  ]);
});

test("a soft one is borne for its time, which begins anew when it was well in between", () => {
  const soft: Threshold = { ...hard("memory.available", { part: 0.1 }), grace_ms: 60_000 };
  expect(looks(settings(soft), [0, seen(99)], [50, seen(99)], [55, seen(101)], [60, seen(99)], [119, seen(99)], [120, seen(99)])).toEqual([
    "MemoryPressure | ",
    "MemoryPressure | ",
    "MemoryPressure | ",
    "MemoryPressure | ",
    "MemoryPressure | ",
    "MemoryPressure | memory.available",
  ]);
});

test("who has come to it goes on until so much more is there again", () => {
  const disk = hard("nodefs.available", { amount: 100 }, { amount: 50 });
  const of = (available: number): Observations => seen(available, "nodefs.available");
  // 120 is enough for who has never been short, and too little for who has.
  expect(looks(settings(disk), [0, of(120)], [10, of(90)], [20, of(120)], [30, of(150)], [40, of(120)])).toEqual([
    " | ",
    "DiskPressure | nodefs.available",
    "DiskPressure | nodefs.available",
    "DiskPressure | ",
    "DiskPressure | ",
  ]);
});

test("memory goes before all else; that of all pods together has its threshold", () => {
  const wanted = settings(...withAllocatable([hard("pid.available", { amount: 10 }), hard("memory.available", { amount: 100 })]));
  const observed: Observations = new Map<Signal, { available: number; capacity: number }>([
    ["pid.available", { available: 1, capacity: 100 }],
    ["memory.available", { available: 500, capacity: 1_000 }],
    ["allocatableMemory.available", { available: 50, capacity: 700 }],
  ]);
  expect(looks(wanted, [0, observed])).toEqual(["MemoryPressure PIDPressure | allocatableMemory.available pid.available"]);
});

test("of what nobody can tell nothing is said", () => {
  expect(looks(settings(hard("imagefs.inodesFree", { part: 0.5 })), [0, seen(0)])).toEqual([" | "]);
});
