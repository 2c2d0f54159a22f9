import type { Draw } from "../../scheduler-core/mod.ts";

/** What `pick` answers for every number that could be drawn, in order: each of the best nodes must come exactly once. */
export function everyDraw(pick: (random: Draw) => number): number[] {
  const slots: number[] = [];
  let ties = 1;
  for (let number = 0; number < ties; number++) {
    const below = (most: number): number => {
      ties = most;
      return number;
    };
    const slot = pick({ below } as Draw);
    if (slot < 0) return [];
    slots.push(slot);
  }
  return slots.sort((a, b) => a - b);
}
