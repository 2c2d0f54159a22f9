import { closeSync, existsSync, fdatasync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { threadId } from "node:worker_threads";
import { crc32 } from "node:zlib";

/** How far a log is known to have come: everything up to here was acknowledged. A log that ends before has lost something. */
export interface HighWater {
  /** CuttableLog.id. */
  readonly log: string;
  readonly sequence: number;
  readonly revision: number;
}

/** Takes note of what was acknowledged. Must be quick and must not throw: it is called before every answer of the writer. */
export type NoteHighWater = (sequence: number, revision: number) => void;

/** Keeps the mark of a host outside the log. */
export interface HighWaterKeeper {
  note(sequence: number, revision: number): void;
  /** Makes sure that what was noted survives. Rejects with what its place says. */
  sync(): Promise<void>;
  close(): void;
}

/** Two slots, written in turn, each within a disk's sector: a power cut while one is written leaves the other. */
const SLOT_BYTES = 512;
const SLOTS = 2;
/**
 * Two slots of 512 bytes: u32 magic "TRPW" | u16 version | u16 id bytes | u64 sequence | u64 revision | log id | u32 crc32 of all before.
 *
 * @contract the file of the high-water mark
 */
export const HIGH_WATER_VERSION = 1;
const MAGIC = 0x57505254;
const HEADER_BYTES = 24;

/**
 * The high-water mark in a file of the data directory, outside JetStream's own. Writing it costs some microseconds and no sync, so it is
 * exact after a process was killed; `sync` puts it on the disk, so after a power cut it is as old as the last sync. Either way it is never ahead
 * of what was acknowledged.
 */
export class HighWaterFile implements HighWaterKeeper {
  readonly #handle: number;
  readonly #slot: Buffer = Buffer.alloc(SLOT_BYTES);
  readonly #crcAt: number;
  #turn = 0;
  #dirty = false;
  #failed: Error | undefined;

  /** Opens the file for this log, or makes it. Throws what the file system says. */
  constructor(path: string, log: string) {
    const id = Buffer.from(log);
    this.#slot.writeUInt32LE(MAGIC, 0);
    this.#slot.writeUInt16LE(HIGH_WATER_VERSION, 4);
    this.#slot.writeUInt16LE(id.length, 6);
    id.copy(this.#slot, HEADER_BYTES);
    this.#crcAt = HEADER_BYTES + id.length;
    if (!existsSync(path)) this.#make(path);
    this.#handle = openSync(path, "r+");
  }

  /** What the last write met; undefined when it succeeded. */
  get failure(): Error | undefined {
    return this.#failed;
  }

  note(sequence: number, revision: number): void {
    this.#fill(sequence, revision);
    try {
      writeSync(this.#handle, this.#slot, 0, SLOT_BYTES, this.#turn * SLOT_BYTES);
      this.#failed = undefined;
    } catch (error) {
      this.#failed = error as Error;
    }
    this.#turn = (this.#turn + 1) % SLOTS;
    this.#dirty = true;
  }

  /** Puts the mark on the disk, outside the event loop. Rejects with what the file system says. */
  async sync(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    await new Promise<void>((resolve, reject) => {
      fdatasync(this.#handle, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  close(): void {
    closeSync(this.#handle);
  }

  /** Puts the file there with a mark in it: a host that starts meanwhile, or after a kill in between, reads none or a whole one. */
  #make(path: string): void {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const draft = `${path}.${process.pid}-${threadId}`;
    const handle = openSync(draft, "w", 0o600);
    try {
      this.#fill(0, 0);
      for (let slot = 0; slot < SLOTS; slot++) writeSync(handle, this.#slot, 0, SLOT_BYTES, slot * SLOT_BYTES);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    try {
      // Unlike a rename, a link never replaces what is there.
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  }

  #fill(sequence: number, revision: number): void {
    const slot = this.#slot;
    slot.writeBigUInt64LE(BigInt(sequence), 8);
    slot.writeBigUInt64LE(BigInt(revision), 16);
    slot.writeUInt32LE(crc32(slot.subarray(0, this.#crcAt)), this.#crcAt);
  }
}

/** The newest mark in the file; undefined when there is no file; "damaged" when it holds none that is whole. */
export function readHighWater(path: string): HighWater | "damaged" | undefined {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const marks = Array.from({ length: SLOTS }, (_, i) => readSlot(file.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES)));
  return marks.reduce((newest, mark) => ((mark?.sequence ?? -1) > (newest?.sequence ?? -1) ? mark : newest), undefined) ?? "damaged";
}

function readSlot(slot: Buffer): HighWater | undefined {
  if (slot.length < HEADER_BYTES || slot.readUInt32LE(0) !== MAGIC || slot.readUInt16LE(4) !== HIGH_WATER_VERSION) return undefined;
  const crcAt = HEADER_BYTES + slot.readUInt16LE(6);
  if (crcAt + 4 > slot.length || slot.readUInt32LE(crcAt) !== crc32(slot.subarray(0, crcAt))) return undefined;
  return {
    log: slot.toString("utf8", HEADER_BYTES, crcAt),
    sequence: Number(slot.readBigUInt64LE(8)),
    revision: Number(slot.readBigUInt64LE(16)),
  };
}
