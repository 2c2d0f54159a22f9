import { expect, test } from "vitest";
import { LineRing } from "../../../../cluster/console/web/objects/pod/line-ring.ts";

test("the newest lines are kept, and never many more than that", () => {
  const ring = new LineRing(80);
  for (let line = 0; line < 1_000; line += 1) {
    ring.push(String(line));
    expect(ring.lines.length).toBeLessThan(90);
    expect(ring.lines.at(-1)).toBe(String(line));
  }
  expect(ring.lines[0]).toBe(String(ring.dropped));
  expect(ring.lines.length + ring.dropped).toBe(1_000);
});
