import fc from "fast-check";
import { expect, test } from "vitest";
import { RequestWindow } from "../../../actors/store/request-window.ts";

const SIZE = 8;

test("remembers what was applied after `since`, at least so many, and a copy of it is the same", () => {
  fc.assert(
    fc.property(fc.nat(60), fc.nat(5), (count, gap) => {
      const window = new RequestWindow(SIZE);
      window.reset(gap);
      const revisionOf = (i: number): number => gap + 1 + i * 2;
      for (let i = 0; i < count; i++) window.add(`r${i}`, revisionOf(i));

      const copy = new RequestWindow(SIZE);
      const captured = window.capture();
      window.add("later", revisionOf(count));
      copy.reset(captured.since);
      for (const [request, revision] of captured) copy.add(request, revision);

      for (const each of [window, copy]) {
        const remembered = Array.from({ length: count }, (_, i) => i).filter((i) => each.find(`r${i}`) !== undefined);
        expect(remembered.length).toBeGreaterThanOrEqual(Math.min(count, SIZE));
        expect(remembered.length).toBeLessThanOrEqual(2 * SIZE);
        for (const i of remembered) expect(each.find(`r${i}`)).toBe(revisionOf(i));
        for (let i = 0; i < count; i++) if (revisionOf(i) > each.since) expect(remembered).toContain(i);
      }
      expect(copy.find("later")).toBeUndefined();
      expect(window.find("later")).toBe(revisionOf(count));
      expect(window.find("never")).toBeUndefined();
    }),
  );
});
