/** A measurement that cannot go on, for a reason the user can mend; printed as one line. `exitCode` 1: it failed, 2: wrong usage. */
export class BenchFailure extends Error {
  override readonly name = "BenchFailure";
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
