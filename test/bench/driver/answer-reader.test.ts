import fc from "fast-check";
import { expect, test } from "vitest";
import { AnswerError, AnswerReader } from "../../../bench/driver/answer-reader.ts";

const ANSWERS =
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde" +
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX: y\r\ncontent-length:0\r\n\r\n" +
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfgh\r\nA;x=y\r\nijklmnopqr\r\n0\r\nTrailer: 1\r\n\r\n" +
  "HTTP/1.1 304 Not Modified\r\n\r\n" +
  "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}";

interface Read {
  status: number;
  body: string;
  whole: boolean;
  closes: boolean;
}

function read(pieces: readonly Buffer[]): readonly Read[] {
  const reader = new AnswerReader();
  const answers: Read[] = [];
  const expectNext = (): void => {
    const answer: Read = { status: 0, body: "", whole: false, closes: false };
    reader.expect({
      began: (status) => {
        answer.status = status;
        answers.push(answer);
      },
      data: (bytes) => {
        answer.body += bytes.toString();
      },
      ended: () => {
        answer.whole = true;
        answer.closes = reader.closes;
        expectNext();
      },
    });
  };
  expectNext();
  for (const piece of pieces) reader.read(piece);
  return answers;
}

test("answers of all forms are the same however their bytes are cut", () => {
  const bytes = Buffer.from(ANSWERS);
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: bytes.length })), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      expect(read(places.slice(1).map((to, i) => bytes.subarray(places[i], to)))).toEqual([
        { status: 200, body: "abcde", whole: true, closes: false },
        { status: 201, body: "", whole: true, closes: false },
        { status: 200, body: "fghijklmnopqr", whole: true, closes: false },
        { status: 304, body: "", whole: true, closes: false },
        { status: 429, body: "{}", whole: true, closes: true },
      ]);
    }),
  );
});

test("a body without a length ends with the connection, any other that is cut off does not end", () => {
  for (const [head, whole] of [
    ["HTTP/1.1 200 OK\r\n\r\nabc", true],
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", false],
  ] as const) {
    const reader = new AnswerReader();
    let [body, ended] = ["", false];
    reader.expect({ began: () => {}, data: (bytes) => (body += bytes.toString()), ended: () => (ended = true) });
    reader.read(Buffer.from(head));
    expect([reader.close(), body, ended]).toEqual([whole, "abc", whole]);
  }
});

test("what is no answer, or one to no question, is an error", () => {
  for (const text of ["SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "a".repeat(70_000)]) {
    const reader = new AnswerReader();
    reader.expect({ began: () => {}, data: () => {}, ended: () => {} });
    expect(() => reader.read(Buffer.from(text)), text.slice(0, 20)).toThrow(AnswerError);
  }
  expect(() => new AnswerReader().read(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"))).toThrow(AnswerError);
});
