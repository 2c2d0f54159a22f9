/** One measured figure, as `--json` prints it: one line each, so that runs can be collected and compared. */
export interface Figure {
  readonly suite: string;
  readonly case: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** What the figure holds for: sizes, settings, versions, machine. */
  readonly conditions: string;
}

/** Prints figures: a JSON line each, or a table for people under a line of their conditions. */
export function printFigures(figures: readonly Figure[], json: boolean): void {
  if (json) {
    for (const figure of figures) process.stdout.write(`${JSON.stringify({ ...figure, value: round(figure.value) })}\n`);
    return;
  }
  const width = Math.max(...figures.map((figure) => figure.metric.length));
  let before: Figure | undefined;
  for (const figure of figures) {
    if (figure.conditions !== before?.conditions || figure.case !== before.case)
      process.stdout.write(`${figure.suite} ${figure.case}: ${figure.conditions}\n`);
    before = figure;
    process.stdout.write(`  ${figure.metric.padEnd(width)}  ${round(figure.value).toLocaleString("en").padStart(12)} ${figure.unit}\n`);
  }
}

/** Three decimals are more than any measurement here is good for. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
