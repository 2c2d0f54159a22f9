/** Indexes of a job as its status writes them: `1,3-5`. Source: validateIndexesFormat of pkg/apis/batch/validation. */

type Stretches = readonly (readonly [first: number, last: number])[];

/** The first and the last index of each stretch, or what is wrong with the text. */
export type ReadIndexes = { readonly stretches: Stretches; readonly count: number } | { readonly problem: string };

/** A number as Go reads it, or what it says of the text. */
function readIndex(text: string, completions: number): number | string {
  if (!/^[+-]?\d+$/.test(text)) return `cannot convert string to integer for index: ${JSON.stringify(text)}`;
  const index = Number(text);
  return index >= completions ? `too large index: ${JSON.stringify(text)}` : index;
}

export function readIndexes(text: string, completions: number): ReadIndexes {
  const stretches: [number, number][] = [];
  let count = 0;
  for (const stretch of text === "" ? [] : text.split(",")) {
    const parts = stretch.split("-");
    if (parts.length > 2) {
      const words = "violates the requirement that an index interval can have at most two parts separated by '-'";
      return { problem: `the fragment ${JSON.stringify(stretch)} ${words}` };
    }
    const first = readIndex(parts[0] ?? "", completions);
    if (typeof first === "string") return { problem: first };
    const last = parts.length === 1 ? first : readIndex(parts[1] ?? "", completions);
    if (typeof last === "string") return { problem: last };
    const before = stretches.at(-1)?.[1];
    if (parts.length === 2 && first >= last) return { problem: `non-increasing order, previous: ${first}, current: ${last}` };
    if (before !== undefined && before >= first) return { problem: `non-increasing order, previous: ${before}, current: ${first}` };
    stretches.push([first, last]);
    count += last - first + 1;
  }
  return { stretches, count };
}

/** The lowest index that stands in both. */
export function firstInBoth(a: Stretches, b: Stretches): number | undefined {
  let [i, j] = [0, 0];
  for (;;) {
    const [left, right] = [a[i], b[j]];
    if (left === undefined || right === undefined) return undefined;
    if (left[0] <= right[1] && right[0] <= left[1]) return Math.max(left[0], right[0]);
    if (left[1] < right[0]) i++;
    else j++;
  }
}
