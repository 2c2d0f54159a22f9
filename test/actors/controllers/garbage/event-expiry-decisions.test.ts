import { expect, test } from "vitest";
import { eventExpiryController } from "../../../../actors/controllers/garbage/event-expiry.ts";
import { EventKind } from "../../../../actors/kinds/core/event.ts";
import { Transcript } from "../transcript.ts";

const MINUTE_MS = 60_000;

/** A controller that has looked once a minute for so long, with these Events from the beginning. */
function after(minutes: number, ...names: readonly string[]): Transcript {
  const transcript = new Transcript(eventExpiryController());
  for (const name of names) transcript.put(EventKind, { metadata: { name } });
  for (let minute = 0; minute < minutes; minute++) {
    transcript.decide();
    transcript.after(MINUTE_MS);
  }
  return transcript;
}

test("an Event stays for an hour, and goes at the first look after it", () => {
  expect(after(59, "e").decide()).toEqual([]);
  expect(after(60, "e").decide()).toEqual(["delete Event/e"]);
});

test("one that is written again stays for an hour more; one that comes later has an hour of its own", () => {
  const transcript = after(30, "again", "old");
  transcript.put(EventKind, { metadata: { name: "again" }, count: 2 }).put(EventKind, { metadata: { name: "young" } });
  for (let minute = 30; minute < 60; minute++) {
    expect(transcript.decide()).toEqual([]);
    transcript.after(MINUTE_MS);
  }
  expect(transcript.decide()).toEqual(["delete Event/old"]);
});

test("thousands go 500 at a time, one round after another", () => {
  const lines = after(60, ...Array.from({ length: 1_200 }, (_, i) => `e${i}`)).decide();
  expect(lines.filter((line) => line.startsWith("delete Event/"))).toHaveLength(500);
  expect(lines.at(-1)).toBe("requeue 0");
});
