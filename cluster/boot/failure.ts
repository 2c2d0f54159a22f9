/** A start that cannot go on, for a reason the user can mend. Printed as one line: what was wrong, where, and what to do. */
export class BootFailure extends Error {
  override readonly name = "BootFailure";
}
