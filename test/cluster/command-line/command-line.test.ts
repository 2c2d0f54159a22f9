import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { Command } from "../../../cluster/command-line/command.ts";
import { COMMANDS } from "../../../cluster/command-line/commands.ts";
import { commandAt, dispatch } from "../../../cluster/command-line/dispatch.ts";
import { writtenNames } from "../../../cluster/command-line/flag.ts";
import { commandHelp, overview } from "../../../cluster/command-line/help-text.ts";
import { nearest } from "../../../cluster/command-line/nearest.ts";
import { WrongUsage } from "../../../cluster/command-line/wrong-usage.ts";
import { MANUAL_FILE, manualText } from "./manual.ts";

const SCREEN_ROWS = 24;
const SCREEN_COLUMNS = 80;

const every: { readonly path: string; readonly command: Command }[] = [];
for (const [name, { load }] of Object.entries(COMMANDS)) {
  const command = await load();
  every.push({ path: name, command });
  for (const [verb, own] of Object.entries(command.verbs ?? {})) every.push({ path: `${name} ${verb}`, command: own });
}

function lines(text: string): readonly string[] {
  return stripVTControlCharacters(text).trimEnd().split("\n");
}

describe("help", () => {
  test("fits a screen, with a row for the prompt", async () => {
    const shown = lines(await overview(COMMANDS));
    expect(shown.length).toBeLessThan(SCREEN_ROWS);
    for (const line of shown) expect(line.length, line).toBeLessThanOrEqual(SCREEN_COLUMNS);
    for (const name of Object.keys(COMMANDS)) expect(shown.join("\n")).toMatch(new RegExp(`\\b${name}\\b`));
  });

  test.each(every)("of $path is no wider than a screen, and names all its flags", async ({ path, command }) => {
    const text = await commandHelp(path, command);
    for (const line of lines(text)) {
      // An example is one line, so that it can be copied.
      if (!line.startsWith("  troupe ")) expect(line.length, line).toBeLessThanOrEqual(SCREEN_COLUMNS);
    }
    for (const name of Object.keys(command.flags)) expect(text).toContain(`--${name}`);
  });

  test.each(every)("examples of $path are of commands and flags that there are", async ({ command }) => {
    for (const { line } of command.examples ?? []) {
      const { command: meant, rest } = await commandAt(COMMANDS, line.split(" "));
      const known = writtenNames(meant.flags);
      if (meant.helpIsTheirs) continue;
      for (const word of rest.filter((each) => /^--?[a-z]/.test(each))) expect(known, line).toContain(word.split("=")[0]);
    }
  });

  test("docs/command-line.md is up to date; npm run command-line writes it", async () => {
    expect(readFileSync(MANUAL_FILE, "utf8")).toBe(await manualText());
  });
});

describe("what commands say", () => {
  /** What they say is a script, or text for people and nothing else; credentials are a file, and -o says which. */
  const OTHERWISE = ["nats-credentials", "completion bash", "completion zsh", "completion fish", "help"];

  test("is said to programs, too, wherever it is an answer", () => {
    const silent = every.filter(({ command }) => command.run !== undefined && !command.flags.output?.choices?.includes("json"));
    expect(silent.map(({ path }) => path)).toEqual(OTHERWISE);
  });
});

describe("a slip", () => {
  test.each([
    ["bakcup x", "unknown command bakcup (did you mean backup?); see troupe help"],
    ["frobnicate", "unknown command frobnicate; see troupe help"],
    ["__proto__", "unknown command __proto__; see troupe help"],
    ["token", "troupe token wants one of create, list, delete; see troupe help token"],
    ["token lst", "troupe token lst: it is create, list, delete (did you mean list?); see troupe help token"],
    ["up --node 5", "Unknown option '--node' (did you mean --nodes?); see troupe help up"],
    ["help bakcup", "unknown command bakcup (did you mean backup?); see troupe help"],
    ["backup", "troupe backup wants one FILE; see troupe help backup"],
    ["version --output xml", "-o xml is none of table, json, yaml"],
  ])("%s: is answered in one line", async (line, words) => {
    await expect(dispatch(COMMANDS, line.split(" "))).rejects.toThrow(new WrongUsage(words));
  });

  test.each([
    ["statsu", "status"],
    ["--node", "--nodes"],
    ["versoin", "version"],
    ["x", undefined],
    ["reboot", undefined],
  ])("%s is near %s", (typed, meant) => {
    expect(nearest(typed, ["status", "version", "reset", "--nodes", "--nats"])).toBe(meant);
  });
});
