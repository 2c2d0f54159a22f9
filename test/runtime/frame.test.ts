import fc from "fast-check";
import { Packr } from "msgpackr";
import { expect, test } from "vitest";
import { ANSWER, ASK, type Envelope, type FrameHead, type Refused, TELL } from "../../runtime/envelope.ts";
import { FRAME_VERSION, packFrame, packFrames, unpackFrame } from "../../runtime/frame.ts";

const HEAD: FrameHead = {
  from: "here",
  incarnation: 7,
  life: 2 ** 48 - 1,
  position: 2 ** 40,
  wants: 0,
  heardLife: 5,
  heard: 70_000,
  heardFor: 3,
  view: 5,
};

function pack(envelopes: readonly Envelope[], frame_bytes_max: number, admit = (all: readonly Envelope[]) => all) {
  const frames: Uint8Array[] = [];
  const refused: Refused[] = [];
  packFrames(envelopes, {
    frame_bytes_max,
    admit,
    head: () => ({ ...HEAD, position: HEAD.position + frames.length }),
    load: (bytes) => void frames.push(bytes),
    refuse: (one) => void refused.push(one),
  });
  return { frames, refused };
}

const envelope: fc.Arbitrary<Envelope> = fc.oneof(
  fc.record({ type: fc.string(), body: fc.string({ maxLength: 300 }) }).map((message): Envelope => [TELL, "sum/x", message]),
  fc.tuple(fc.record({ type: fc.string(), count: fc.integer() }), fc.nat()).map(([message, id]): Envelope => [ASK, "sum/ü/x", message, id]),
  fc.tuple(fc.nat(), fc.jsonValue()).map(([id, value]): Envelope => [ANSWER, id, value]),
);

test("frames bring back every envelope in order, none larger than the limit; what is too large alone is refused", () => {
  fc.assert(
    fc.property(fc.array(envelope, { maxLength: 60 }), fc.integer({ min: 100, max: 2_000 }), (envelopes, payload_max) => {
      const { frames, refused } = pack(envelopes, payload_max);
      const back: Envelope[] = [];
      for (const [index, bytes] of frames.entries()) {
        expect(bytes.byteLength).toBeLessThanOrEqual(payload_max);
        const frame = unpackFrame(bytes);
        if (typeof frame === "string") throw new Error(frame);
        expect(frame.head).toEqual({ ...HEAD, position: HEAD.position + index });
        back.push(...frame.envelopes);
      }
      const lost = new Set(refused.map(({ envelope }) => envelope));
      // -0 and 0 are one number on the wire.
      expect(JSON.stringify(back)).toBe(JSON.stringify(envelopes.filter((one) => !lost.has(one))));
      for (const { envelope: one, reason } of refused) {
        expect(reason).toBe("too-large");
        expect(pack([one], payload_max).frames).toEqual([]);
      }
    }),
  );
});

test("envelopes that fit together travel together", () => {
  const many = Array.from({ length: 500 }, (_, index): Envelope => [TELL, "sum/x", { type: `add${index % 3}` }]);
  expect(pack(many, 1_048_576).frames.length).toBe(1);
});

test("what cannot be packed is refused alone", () => {
  const round: { type: string; self?: unknown } = { type: "round" };
  round.self = round;
  const { frames, refused } = pack(
    [
      [TELL, "sum/x", round],
      [ANSWER, 4, 2],
    ],
    1_000,
  );
  expect(refused).toEqual([{ envelope: [TELL, "sum/x", round], reason: "not-plain-data" }]);
  expect(frames.map((bytes) => unpackFrame(bytes))).toEqual([{ head: HEAD, envelopes: [[ANSWER, 4, 2]] }]);
});

test.each([
  [
    "another version",
    new Packr().pack([FRAME_VERSION + 1, "there", []]),
    new RegExp(`version ${FRAME_VERSION + 1}.*reads version ${FRAME_VERSION}`),
  ],
  ["something else", new TextEncoder().encode("hello"), /not a frame/],
  ["nothing", new Uint8Array(0), /not a frame/],
  ["half a frame", (packFrame(HEAD, [[ANSWER, 1, "a long answer"]]) ?? new Uint8Array(0)).subarray(0, 12), /broken frame/],
])("%s is named, not guessed at", (_name, bytes, said) => {
  expect(unpackFrame(bytes)).toMatch(said);
});

test("room is asked for before each piece of what had to be split, and what is not admitted is left out", () => {
  const body = "x".repeat(400);
  const many = Array.from({ length: 8 }, (_, n): Envelope => [TELL, "sum/x", { type: `${n}${body}` }]);
  let room = 3;
  const { frames } = pack(many, 600, (all) => (all.length > 1 ? all : all.slice(0, room-- > 0 ? 1 : 0)));
  const back = frames.map((bytes) => unpackFrame(bytes)).flatMap((frame) => (typeof frame === "string" ? [] : frame.envelopes));
  expect(back).toEqual(many.slice(0, 3));
});

test("a frame keeps no more memory than its own", () => {
  for (const answer of ["short", "long".repeat(100_000), "short"]) {
    const bytes = packFrame(HEAD, [[ANSWER, 1, answer]]);
    expect(bytes?.buffer.byteLength).toBe(bytes?.byteLength);
  }
});
