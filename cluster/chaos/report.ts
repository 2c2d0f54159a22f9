/** One promise, and what became of it. */
export interface Verdict {
  readonly promise: string;
  readonly held: boolean;
  /** What was looked at, or what broke it. */
  readonly seen: readonly string[];
}

export interface ChaosReport {
  readonly seed: number;
  readonly took_ms: number;
  readonly done: readonly string[];
  readonly verdicts: readonly Verdict[];
}

const SEEN_MAX = 20;

/** For people. */
export function reportLines({ seed, took_ms, verdicts }: ChaosReport): readonly string[] {
  const width = Math.max(...verdicts.map(({ promise }) => promise.length));
  const lines = verdicts.flatMap(({ promise, held, seen }) => {
    const [first = "", ...others] = seen;
    const more = held ? [] : others.slice(0, SEEN_MAX).map((each) => `${" ".repeat(width + 11)}${each}`);
    return [`  ${promise.padEnd(width)}  ${held ? "held " : "BROKE"}  ${first}`, ...more];
  });
  const broken = verdicts.filter(({ held }) => !held).length;
  const result = broken === 0 ? "all promises held" : `${broken} of ${verdicts.length} promises broke`;
  return [...lines, `${result}: seed ${seed}, ${(took_ms / 1_000).toFixed(1)} s`];
}
