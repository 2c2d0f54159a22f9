import { expect, test } from "vitest";
import { pinoLogger, withFields } from "../../runtime/mod.ts";

test("lines are JSON with the level, the fields of the logger, of its owner and of the line, in that order of weight", () => {
  const lines: string[] = [];
  const log = pinoLogger({ level: "info", fields: { process: "p" }, destination: { write: (line) => void lines.push(line) } });
  const actor = withFields(withFields(log, { host: "a" }), { actor: "sum/x" });
  actor.debug({}, "too fine");
  actor.warn({ n: 1, actor: "other" }, "mind this");
  actor.error({ err: new Error("broken") }, "that went wrong");
  const read = lines.map((line) => JSON.parse(line));
  expect(read).toMatchObject([
    { level: 40, process: "p", host: "a", actor: "other", n: 1, msg: "mind this" },
    { level: 50, process: "p", host: "a", actor: "sum/x", err: { type: "Error", message: "broken" }, msg: "that went wrong" },
  ]);
  expect(Number.isNaN(Date.parse(read[0].time))).toBe(false);
});

test("the silent level writes nothing", () => {
  const lines: string[] = [];
  pinoLogger({ level: "silent", destination: { write: (line) => void lines.push(line) } }).error({}, "unheard");
  expect(lines).toEqual([]);
});
