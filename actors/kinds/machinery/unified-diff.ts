/**
 * Two texts line by line, as Python's difflib compares them and Kubernetes prints what an update may not change: the longest run of
 * equal lines first, then what is left of it and right of it. It is not the shortest difference. Source: the documentation of
 * Python's `difflib.SequenceMatcher` and `unified_diff`.
 */

/** Equal lines that are shown around what differs. */
const CONTEXT_LINES = 3;
/** In a text of so many lines those that come again and again start no run. */
const POPULAR_LINES_MIN = 200;

interface Block {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

/** Lines `a1` to `a2` of the one text became `b1` to `b2` of the other; the ends are not of it. */
interface Change {
  readonly equal: boolean;
  readonly a1: number;
  readonly a2: number;
  readonly b1: number;
  readonly b2: number;
}

/** Where each line of the text stands, without those that stand in too many places. */
function positionsOf(lines: readonly string[]): Map<string, number[]> {
  const positions = new Map<string, number[]>();
  for (const [index, line] of lines.entries()) {
    const known = positions.get(line);
    if (known === undefined) positions.set(line, [index]);
    else known.push(index);
  }
  if (lines.length >= POPULAR_LINES_MIN) {
    const most = Math.floor(lines.length / 100) + 1;
    for (const [line, places] of positions) if (places.length > most) positions.delete(line);
  }
  return positions;
}

class Matcher {
  readonly #a: readonly string[];
  readonly #b: readonly string[];
  readonly #positions: Map<string, number[]>;

  constructor(a: readonly string[], b: readonly string[]) {
    this.#a = a;
    this.#b = b;
    this.#positions = positionsOf(b);
  }

  /** The longest run of equal lines between the bounds, the first of equally long ones. */
  #longest(a1: number, a2: number, b1: number, b2: number): Block {
    let [bestA, bestB, size] = [a1, b1, 0];
    let lengths = new Map<number, number>();
    for (let i = a1; i < a2; i++) {
      const next = new Map<number, number>();
      for (const j of this.#positions.get(this.#a[i] ?? "") ?? []) {
        if (j < b1 || j >= b2) continue;
        const length = (lengths.get(j - 1) ?? 0) + 1;
        next.set(j, length);
        if (length > size) [bestA, bestB, size] = [i - length + 1, j - length + 1, length];
      }
      lengths = next;
    }
    while (bestA > a1 && bestB > b1 && this.#a[bestA - 1] === this.#b[bestB - 1]) {
      bestA--;
      bestB--;
      size++;
    }
    while (bestA + size < a2 && bestB + size < b2 && this.#a[bestA + size] === this.#b[bestB + size]) size++;
    return { a: bestA, b: bestB, size };
  }

  *#blocks(a1: number, a2: number, b1: number, b2: number): Generator<Block> {
    const block = this.#longest(a1, a2, b1, b2);
    if (block.size === 0) return;
    const { a, b, size } = block;
    if (a1 < a && b1 < b) yield* this.#blocks(a1, a, b1, b);
    yield block;
    if (a + size < a2 && b + size < b2) yield* this.#blocks(a + size, a2, b + size, b2);
  }

  changes(): Change[] {
    const changes: Change[] = [];
    let [a, b] = [0, 0];
    const end = { a: this.#a.length, b: this.#b.length, size: 0 };
    for (const block of [...this.#blocks(0, this.#a.length, 0, this.#b.length), end]) {
      const before = changes.at(-1);
      if (before?.equal && a === block.a && b === block.b && block.size > 0) {
        changes[changes.length - 1] = { ...before, a2: a + block.size, b2: b + block.size };
      } else {
        if (a < block.a || b < block.b) changes.push({ equal: false, a1: a, a2: block.a, b1: b, b2: block.b });
        if (block.size > 0) changes.push({ equal: true, a1: block.a, a2: block.a + block.size, b1: block.b, b2: block.b + block.size });
      }
      a = block.a + block.size;
      b = block.b + block.size;
    }
    return changes;
  }
}

/** Changes with the equal lines around them; what is further apart is in groups of its own. */
function grouped(changes: readonly Change[]): Change[][] {
  const groups: Change[][] = [];
  let group: Change[] = [];
  for (const [index, change] of changes.entries()) {
    if (!change.equal) {
      group.push(change);
      continue;
    }
    const { a1, a2, b1, b2 } = change;
    const [first, last] = [index === 0, index === changes.length - 1];
    const head = { equal: true, a1, a2: Math.min(a2, a1 + CONTEXT_LINES), b1, b2: Math.min(b2, b1 + CONTEXT_LINES) };
    const tail = { equal: true, a1: Math.max(a1, a2 - CONTEXT_LINES), a2, b1: Math.max(b1, b2 - CONTEXT_LINES), b2 };
    if (first) group.push(tail);
    else if (last) group.push(head);
    else if (a2 - a1 > 2 * CONTEXT_LINES) {
      groups.push([...group, head]);
      group = [tail];
    } else group.push(change);
  }
  if (group.some(({ equal }) => !equal)) groups.push(group);
  return groups;
}

function printRange(start: number, end: number): string {
  const length = end - start;
  if (length === 1) return `${start + 1}`;
  return `${length === 0 ? start : start + 1},${length}`;
}

function print(lines: readonly string[], from: number, to: number, mark: string): string {
  return lines
    .slice(from, to)
    .map((line) => `${mark}${line}\n`)
    .join("");
}

/** Nothing for equal texts. */
export function unifiedDiff(before: string, after: string): string {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let text = "";
  for (const group of grouped(new Matcher(a, b).changes())) {
    const [first, last] = [group[0], group.at(-1)];
    if (first === undefined || last === undefined) continue;
    text += `@@ -${printRange(first.a1, last.a2)} +${printRange(first.b1, last.b2)} @@\n`;
    for (const { equal, a1, a2, b1, b2 } of group) {
      text += equal ? print(a, a1, a2, " ") : print(a, a1, a2, "-") + print(b, b1, b2, "+");
    }
  }
  return text;
}
