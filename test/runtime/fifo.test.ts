import { expect, test } from "vitest";
import { Fifo, seededRandom } from "../../runtime/mod.ts";

test.each([1, 2, 3])("gives what was put in, in that order, however they alternate: seed %i", (seed) => {
  const random = seededRandom(seed);
  const fifo = new Fifo<number>();
  const model: number[] = [];
  for (let i = 0; i < 5_000; i++) {
    // It grows for a while, and runs empty again.
    if (random.below(100) < (i % 1_000 < 500 ? 60 : 30)) {
      fifo.push(i);
      model.push(i);
    } else expect(fifo.shift()).toBe(model.shift());
    expect([fifo.size, fifo.head]).toEqual([model.length, model[0]]);
  }
});
