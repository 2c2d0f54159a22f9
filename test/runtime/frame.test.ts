import fc from "fast-check";
import { Packr } from "msgpackr";
import { expect, test } from "vitest";
import { ANSWER, ASK, type Envelope, TELL } from "../../runtime/envelope.ts";
import { FRAME_VERSION, packFrames, unpackFrame } from "../../runtime/frame.ts";

const envelope: fc.Arbitrary<Envelope> = fc.oneof(
  fc.record({ type: fc.string(), body: fc.string({ maxLength: 300 }) }).map((message): Envelope => [TELL, "sum/x", message]),
  fc.tuple(fc.record({ type: fc.string(), count: fc.integer() }), fc.nat()).map(([message, id]): Envelope => [ASK, "sum/ü/x", message, id]),
  fc.tuple(fc.nat(), fc.jsonValue()).map(([id, value]): Envelope => [ANSWER, id, value]),
);

test("frames bring back every envelope in order, none larger than the limit; what is too large alone is refused", () => {
  fc.assert(
    fc.property(fc.array(envelope, { maxLength: 60 }), fc.integer({ min: 60, max: 2_000 }), (envelopes, payload_max) => {
      const { frames, refused } = packFrames(["here", 7], envelopes, payload_max);
      const back: Envelope[] = [];
      for (const bytes of frames) {
        expect(bytes.byteLength).toBeLessThanOrEqual(payload_max);
        const frame = unpackFrame(bytes);
        if (typeof frame === "string") throw new Error(frame);
        expect([frame.from, frame.incarnation]).toEqual(["here", 7]);
        back.push(...frame.envelopes);
      }
      const lost = new Set(refused.map(({ envelope }) => envelope));
      // -0 and 0 are one number on the wire.
      expect(JSON.stringify(back)).toBe(JSON.stringify(envelopes.filter((one) => !lost.has(one))));
      for (const { envelope: one, reason } of refused) {
        expect(reason).toBe("too-large");
        expect(packFrames(["here", 7], [one], payload_max).frames).toEqual([]);
      }
    }),
  );
});

test("envelopes that fit together travel together", () => {
  const many = Array.from({ length: 500 }, (_, index): Envelope => [TELL, "sum/x", { type: `add${index % 3}` }]);
  expect(packFrames(["here", 7], many, 1_048_576).frames.length).toBe(1);
});

test("what cannot be packed is refused alone", () => {
  const round: { type: string; self?: unknown } = { type: "round" };
  round.self = round;
  const { frames, refused } = packFrames(
    ["here", 7],
    [
      [TELL, "sum/x", round],
      [ANSWER, 4, 2],
    ],
    1_000,
  );
  expect(refused).toEqual([{ envelope: [TELL, "sum/x", round], reason: "not-plain-data" }]);
  expect(frames.map((bytes) => unpackFrame(bytes))).toEqual([{ from: "here", incarnation: 7, envelopes: [[ANSWER, 4, 2]] }]);
});

test.each([
  ["another version", new Packr().pack([FRAME_VERSION + 1, "there", []]), /version 3.*reads version 2/],
  ["something else", new TextEncoder().encode("hello"), /not a frame/],
  ["nothing", new Uint8Array(0), /not a frame/],
  [
    "half a frame",
    packFrames(["there", 7], [[ANSWER, 1, "a long answer"]], 1_000).frames[0]?.subarray(0, 12) ?? new Uint8Array(0),
    /broken frame/,
  ],
])("%s is named, not guessed at", (_name, bytes, said) => {
  expect(unpackFrame(bytes)).toMatch(said);
});
