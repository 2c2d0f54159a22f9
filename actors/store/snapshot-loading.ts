import { createHash } from "node:crypto";
import { readText } from "../kinds/text.ts";
import { CannotDecrypt } from "./encryption/transformer.ts";
import { release } from "./release.ts";
import type { Replica } from "./replica.ts";
import { decodeFrame, type Frame, SnapshotDamaged } from "./snapshot-frame.ts";
import {
  type CarriedFile,
  FILE_HEADER_BYTES,
  OBJECT_HEADER_BYTES,
  REQUEST_HEADER_BYTES,
  type SnapshotSummary,
} from "./snapshot-packing.ts";

/** Sees all frames of a snapshot before its summary, in order, and holds the summary to them. */
export class SnapshotCheck {
  readonly #hash = createHash("sha256");
  frames = 0;
  #objects = 0;

  take(frame: Pick<Frame, "kind" | "items">, bytes: Buffer): void {
    this.#hash.update(bytes);
    this.frames++;
    if (frame.kind === "objects") this.#objects += frame.items;
  }

  /** Throws SnapshotDamaged, which calls the snapshot `name`. */
  finish(name: string, summary: SnapshotSummary): void {
    const fail = (what: string): SnapshotDamaged => new SnapshotDamaged(name, "its summary", what);
    if (summary.frames !== this.frames) throw fail(`it counts ${summary.frames} frames, and there are ${this.frames}`);
    if (summary.objects !== this.#objects) throw fail(`it counts ${summary.objects} objects, and there are ${this.#objects}`);
    if (summary.sha256 !== this.#hash.digest("hex")) throw fail("the checksum over all frames does not match");
  }
}

/** What a summary frame says. Throws SnapshotDamaged. */
export async function decodeSummary(name: string, index: number, bytes: Buffer): Promise<SnapshotSummary> {
  const frame = await decodeFrame(name, index, bytes);
  if (frame.kind !== "summary") throw new SnapshotDamaged(name, `frame ${index}`, `it is of kind ${frame.kind}, not the summary`);
  return JSON.parse(frame.payload.toString()) as SnapshotSummary;
}

/** Loads a frame of objects or requests into a replica. The frame's payload is gone afterwards. Throws SnapshotDamaged, CannotDecrypt. */
export function loadFrame(name: string, frame: Frame, replica: Pick<Replica, "load" | "loadRequest">): void {
  let end = frame.payload.length;
  try {
    if (frame.kind === "objects") end = loadObjects(frame, replica);
    else if (frame.kind === "requests") end = loadRequests(frame, replica);
  } catch (error) {
    if (error instanceof CannotDecrypt) throw error;
    throw new SnapshotDamaged(name, `frame ${frame.index}`, error instanceof Error ? error.message : String(error));
  }
  if (end !== frame.payload.length) throw new SnapshotDamaged(name, `frame ${frame.index}`, "its items do not end where it ends");
  // What was not compressed is a part of the frame's own bytes.
  if (frame.payload.byteOffset === 0) release(frame.payload);
}

function loadObjects({ payload, items }: Frame, replica: Pick<Replica, "load">): number {
  let at = 0;
  for (let item = 0; item < items; item++) {
    const keyStart = at + OBJECT_HEADER_BYTES;
    const textStart = keyStart + payload.readUInt16LE(at);
    const end = textStart + payload.readUInt32LE(at + 2);
    replica.load(payload.toString("utf8", keyStart, textStart), readRevision(payload, at + 6), readText(payload, textStart, end));
    at = end;
  }
  return at;
}

function loadRequests({ payload, items }: Frame, replica: Pick<Replica, "loadRequest">): number {
  let at = 0;
  for (let item = 0; item < items; item++) {
    const end = at + REQUEST_HEADER_BYTES + payload.readUInt16LE(at);
    replica.loadRequest(payload.toString("utf8", at + REQUEST_HEADER_BYTES, end), readRevision(payload, at + 2));
    at = end;
  }
  return at;
}

/** The file in a frame of that kind. */
export function fileOf({ payload }: Frame): CarriedFile {
  const contentStart = FILE_HEADER_BYTES + payload.readUInt16LE(0);
  return {
    name: payload.toString("utf8", FILE_HEADER_BYTES, contentStart),
    content: payload.subarray(contentStart, contentStart + payload.readUInt32LE(2)),
  };
}

function readRevision(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 4) * 0x1_0000_0000 + buffer.readUInt32LE(at);
}
