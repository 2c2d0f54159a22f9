/** A socket that listens, and what came in by it. A door that could not be opened is thrown away. */
export interface Door {
  /** Resolves when it listens; rejects with the system's error. */
  open(): Promise<void>;
  /** Lets nobody in any more. What becomes of those who are in is the door's own business. */
  shut(): void;
  /** Where its clients are led has changed. */
  targetsChanged?(): void;
}
