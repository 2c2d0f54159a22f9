import { LEARN_FLAGS, parseLearnFlags } from "../../learn/flags.ts";
import type { LearnVerb } from "../../learn/run.ts";
import type { Command } from "../command.ts";

const running =
  (verb: LearnVerb, wants: Parameters<typeof parseLearnFlags>[2]): NonNullable<Command["run"]> =>
  async (args) => {
    const flags = parseLearnFlags(verb === "list" ? "" : ` ${verb}`, args, wants);
    const { runLearn } = await import("../../learn/run.ts");
    return runLearn(verb, flags, process.stdout);
  };

export const learn: Command = {
  summary: "learn Kubernetes by playing: challenges, points, badges",
  about:
    "Lists the challenges and how far you are, as whoever the kubeconfig says you are. Each is solved with kubectl, in a namespace of your own (docs/learn.md).",
  flags: LEARN_FLAGS,
  examples: [
    { line: "learn", does: "what there is" },
    { line: "learn start 1", does: "begin the first challenge" },
    { line: "learn check deploy", does: "how far you are with it" },
  ],
  run: running("list", "nothing"),
  verbs: {
    list: { summary: "the challenges, and how far you are", flags: LEARN_FLAGS, run: running("list", "nothing") },
    start: {
      summary: "begin a challenge, or read again what is to be done",
      operands: "CHALLENGE",
      flags: LEARN_FLAGS,
      run: running("start", "challenge"),
    },
    check: {
      summary: "how far you are with a challenge",
      about: "The exit code is 1 as long as it is not solved.",
      operands: "CHALLENGE",
      flags: LEARN_FLAGS,
      run: running("check", "challenge"),
    },
    hint: {
      summary: "a hint; each says more than the one before",
      operands: "CHALLENGE [NUMBER]",
      flags: LEARN_FLAGS,
      run: running("hint", "hint"),
    },
    reset: {
      summary: "take a challenge back, with its namespace",
      operands: "CHALLENGE",
      flags: LEARN_FLAGS,
      run: running("reset", "challenge"),
    },
    leaderboard: { summary: "who has how many points and which badges", flags: LEARN_FLAGS, run: running("leaderboard", "nothing") },
    install: {
      summary: "as an administrator: install or update what it stands on",
      flags: LEARN_FLAGS,
      run: running("install", "nothing"),
    },
  },
};
