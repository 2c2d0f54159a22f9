/** A word that is this far from what was typed is no slip of the fingers any more: one letter in three. */
const LETTERS_PER_SLIP = 3;
const SLIPS_MAX = 3;

/** Which of the words was probably meant; undefined where none is near. */
export function nearest(typed: string, words: Iterable<string>): string | undefined {
  const most = Math.min(SLIPS_MAX, Math.ceil(typed.length / LETTERS_PER_SLIP));
  let best: { readonly word: string; readonly slips: number } | undefined;
  for (const word of words) {
    const slips = slipsBetween(typed, word);
    if (slips <= most && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = { word, slips };
  }
  return best?.word;
}

/** Letters to put in, leave out, change or swap with the next: the optimal string alignment distance. */
function slipsBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const now = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let slips = Math.min((last[column] ?? 0) + 1, (now[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + same);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) slips = Math.min(slips, (before[column - 2] ?? 0) + 1);
      now.push(slips);
    }
    [before, last] = [last, now];
  }
  return last[b.length] ?? 0;
}
