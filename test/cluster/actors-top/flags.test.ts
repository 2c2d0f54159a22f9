import { expect, test } from "vitest";
import { parseActorsFlags } from "../../../cluster/actors-top/flags.ts";
import { WrongUsage } from "../../../cluster/command-line/wrong-usage.ts";

test("has the documented defaults", () => {
  expect(parseActorsFlags([])).toEqual({
    data: ".troupe",
    once: false,
    format: "table",
    kind: undefined,
    sort: "messages",
    interval_ms: 1_000,
  });
});

test("takes every flag", () => {
  const flags = parseActorsFlags("--data /x --once -o json --kind pod --sort queue --interval 0.5".split(" "));
  expect(flags).toEqual({ data: "/x", once: true, format: "json", kind: "pod", sort: "queue", interval_ms: 500 });
});

test.each([
  [["--sort", "name"], "--sort name is none of messages, queue, mailbox, handler, active, restarts"],
  [["--interval", "0"], "--interval 0 is not a number of seconds from 0.1 to 3600"],
  [["--interval", "soon"], "--interval soon is not a number of seconds from 0.1 to 3600"],
  [["--all"], "Unknown option '--all'; see troupe help actors"],
])("refuses %j", (args, message) => {
  expect(() => parseActorsFlags(args)).toThrow(new WrongUsage(message));
});
