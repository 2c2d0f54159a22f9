/** What a person can put right: one line that says what was wrong, where, and what to do. Everything else is a defect and keeps its stack. */
export class Problem extends Error {
  /**
   * @param {string} message one line for the person
   * @param {{ exitCode?: number, detail?: string }} [more] exit code (1 failed, 2 wrong usage); `detail` is printed below the line
   */
  constructor(message, more = {}) {
    super(message);
    this.exitCode = more.exitCode ?? 1;
    this.detail = more.detail ?? "";
  }
}
