/** What a register holds, and the revision under which it was written. */
export interface Entry {
  readonly register: string;
  /** Grows with every write of this register; 0 is that of a register that was never written. */
  readonly revision: number;
  /** Plain data. */
  readonly value: unknown;
}

export interface RegistersWatcher {
  /** A register has this value now. Values that were overwritten soon may be left out; a value may come twice; none comes after a newer one. */
  changed(entry: Entry): void;
  /** All that had been written when the watch began has been told. */
  current(): void;
}

/**
 * A few named registers that all hosts of a cluster share. A register is changed only by compare-and-set, and it must be one
 * register: what a write resolved with must hold whoever asks, whenever, also after its server was restarted.
 */
export interface Registers {
  /**
   * Writes if the register's revision is still `expected`. Resolves with whether it did; rejects when that is not known: then it may have
   * been written, or may be yet.
   */
  write(register: string, value: unknown, expected: number): Promise<boolean>;
  /** Begins at once, and goes on until the returned function is called. */
  watch(watcher: RegistersWatcher): () => void;
}

/** Registers in memory, for tests and for the simulator. What is written is copied; watchers hear of it in microtasks. */
export function memoryRegisters(): Registers {
  const entries = new Map<string, Entry>();
  const watchers = new Set<RegistersWatcher>();
  let revision = 0;
  return {
    write(register, value, expected) {
      if ((entries.get(register)?.revision ?? 0) !== expected) return Promise.resolve(false);
      const entry: Entry = { register, revision: ++revision, value: JSON.parse(JSON.stringify(value)) };
      entries.set(register, entry);
      for (const watcher of watchers) queueMicrotask(() => watchers.has(watcher) && watcher.changed(entry));
      return Promise.resolve(true);
    },
    watch(watcher) {
      const present = [...entries.values()];
      watchers.add(watcher);
      queueMicrotask(() => {
        if (!watchers.has(watcher)) return;
        for (const entry of present) watcher.changed(entry);
        watcher.current();
      });
      return () => watchers.delete(watcher);
    },
  };
}
