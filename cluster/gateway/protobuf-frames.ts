import { encodeWatchEvent } from "../../actors/kinds/protobuf/envelope.ts";

/** How much of a line an error shows. */
const LINE_CHARS_SHOWN = 100;

/**
 * Whole lines of a watch as frames of protobuf. Feeds print JSON once for all who watch; the few that read nothing but protobuf have it
 * translated. Kinds without protobuf form are refused before their watch begins.
 */
export function protobufFrames(lines: Buffer | string): Buffer {
  const frames: Buffer[] = [];
  for (const line of lines.toString().split("\n")) {
    if (line === "") continue;
    const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Readonly<Record<string, unknown>> };
    const frame = encodeWatchEvent(type, object);
    if (frame === undefined) throw new Error(`an object of a watch has no protobuf form: ${line.slice(0, LINE_CHARS_SHOWN)}`);
    frames.push(frame);
  }
  return Buffer.concat(frames);
}
