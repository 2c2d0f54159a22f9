import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../../cluster/command-line/commands.ts";
import { bashCompletion } from "../../../cluster/command-line/completion/bash.ts";
import { fishCompletion } from "../../../cluster/command-line/completion/fish.ts";
import { placesOf } from "../../../cluster/command-line/completion/place.ts";
import { zshCompletion } from "../../../cluster/command-line/completion/zsh.ts";

const places = await placesOf(COMMANDS);
const directory = mkdtempSync(join(tmpdir(), "troupe-completion-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
mkdirSync(join(directory, "data one"));
writeFileSync(join(directory, "some pods.yaml"), "");
for (const [name, script] of [
  ["bash", bashCompletion(places)],
  ["zsh", zshCompletion(places)],
  ["fish", fishCompletion(places)],
] as const)
  writeFileSync(join(directory, `completion.${name}`), script);

/** What bash itself offers for the last of these words, as it splits them. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `source completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _troupe; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const printed = execFileSync("bash", ["--norc", "-c", script, "bash", "troupe", ...words], { cwd: directory, encoding: "utf8" });
  return printed.split("\n").filter((line) => line !== "");
}

describe("bash", () => {
  test("completes commands, verbs and choices of an operand", () => {
    expect(offered("")).toEqual(Object.keys(COMMANDS));
    expect(offered("ba")).toEqual(["backup"]);
    expect(offered("token", "")).toEqual(["create", "list", "delete"]);
    expect(offered("sim", "cl")).toEqual(["cluster"]);
    expect(offered("bench", "dens")).toEqual(["density"]);
    expect(offered("help", "vers")).toEqual(["version"]);
  });

  test("completes flags of the command that is typed, and of no other", () => {
    expect(offered("up", "--nod")).toEqual([
      "--nodes",
      "--node-cidr-mask-size",
      "--node-cidr-mask-size-ipv4",
      "--node-cidr-mask-size-ipv6",
    ]);
    expect(offered("token", "create", "--")).toContain("--print-join-command");
    expect(offered("token", "list", "--print")).toEqual([]);
    expect(offered("up", "--data", "token", "--sal")).toEqual([]);
  });

  test("completes values: choices, files, directories, and nothing where nobody knows", () => {
    expect(offered("up", "--only", "")).toEqual(["api", "scheduler"]);
    expect(offered("up", "--only", "=")).toEqual(["api", "scheduler"]);
    expect(offered("up", "--only", "=", "a")).toEqual(["api"]);
    expect(offered("version", "-o", "")).toEqual(["table", "json", "yaml"]);
    expect(offered("what-if", "-f", "some")).toEqual(["some pods.yaml"]);
    expect(offered("backup", "some")).toEqual(["some pods.yaml"]);
    expect(offered("up", "--data", "da")).toEqual(["data one"]);
    expect(offered("up", "--nodes", "")).toEqual([]);
  });

  test("is registered for troupe", () => {
    const printed = execFileSync("bash", ["--norc", "-c", "source completion.bash; complete -p troupe"], {
      cwd: directory,
      encoding: "utf8",
    });
    expect(printed.trim()).toBe("complete -F _troupe troupe");
  });
});

function has(program: string): boolean {
  return spawnSync(program, ["--version"]).error === undefined;
}

describe.runIf(has("zsh"))("zsh", () => {
  test("reads it without a complaint, and has the function", () => {
    const script =
      "autoload -Uz compinit && compinit -D -u; source ./completion.zsh; print $_comps[troupe]; whence -w _troupe_token-create";
    const printed = execFileSync("zsh", ["-f", "-c", script], {
      cwd: directory,
      encoding: "utf8",
      env: { ...process.env, HOME: directory },
    });
    expect(printed.trim().split("\n")).toEqual(["_troupe", "_troupe_token-create: function"]);
  });
});

describe.runIf(has("fish"))("fish", () => {
  test.each([
    ["troupe ba", ["backup\tthe whole cluster in one file, while it runs or not"]],
    ["troupe token li", ["list\tthose there are"]],
    ["troupe up --only ", ["api", "scheduler"]],
    ["troupe token create --print", ["--print-join-command\tprint the line by which a machine joins, not the token alone"]],
  ])("completes %s", (line, expected) => {
    const printed = execFileSync("fish", ["--no-config", "-c", `source completion.fish; complete -C ${JSON.stringify(line)}`], {
      cwd: directory,
      encoding: "utf8",
      env: { ...process.env, HOME: directory },
    });
    expect(
      printed
        .trim()
        .split("\n")
        .map((each) => each.trim()),
    ).toEqual(expect.arrayContaining(expected.map((each) => expect.stringContaining(each))));
  });
});
