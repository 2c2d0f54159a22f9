import { BootFailure } from "../boot/failure.ts";
import { DONE, FAILED } from "../command-line/command.ts";
import { printed } from "../command-line/output.ts";
import { showProgress } from "../command-line/progress.ts";
import { typed } from "../command-line/typed.ts";
import { accessOf, asUser } from "../joining/command-session.ts";
import type { Session } from "../joining/session.ts";
import type { LearnFlags } from "./flags.ts";
import { install } from "./install.ts";
import { Lessons } from "./lessons.ts";
import { checkLines, hintLines, leaderboardLines, lessonLines, taskLines } from "./text.ts";

export type LearnVerb = "list" | "start" | "check" | "hint" | "reset" | "leaderboard" | "install";

/** `troupe learn`: gives the exit code. Throws BootFailure. */
export async function runLearn(verb: LearnVerb, flags: LearnFlags, output: NodeJS.WritableStream): Promise<number> {
  return asUser(accessOf(flags.kubeconfig), async (session) => {
    if (verb === "install") {
      const challenges = await install(session);
      output.write(await printed(flags.format, { challenges }, () => [`${challenges} challenges are there: ${typed("learn")}`]));
      return DONE;
    }
    const lessons = await Lessons.of(session);
    if ((await lessons.challenges()) === undefined) await installed(session);
    const [answer, lines, code = DONE] = await answered(verb, flags, lessons);
    output.write(await printed(flags.format, answer, () => lines));
    return code;
  });
}

async function installed(session: Session): Promise<void> {
  const hide = showProgress(() => "installing challenges");
  await install(session).finally(hide);
}

/** What is asked for, for programs and for people, and the exit code. */
async function answered(
  verb: Exclude<LearnVerb, "install">,
  { challenge: named = "", number }: LearnFlags,
  lessons: Lessons,
): Promise<readonly [answer: unknown, lines: readonly string[], code?: number]> {
  switch (verb) {
    case "list": {
      const [list, learner] = await Promise.all([lessons.list(), lessons.learner()]);
      return [list, lessonLines(list, lessons.user, learner)];
    }
    case "leaderboard": {
      const board = await lessons.leaderboard();
      return [
        board.map(({ spec, status }) => ({ user: spec.user, points: 0, solved: [], badges: [], ...status })),
        leaderboardLines(board),
      ];
    }
    case "start": {
      const challenge = await lessons.challenge(named);
      const hide = showProgress(() => `setting up ${challenge.metadata.name}`);
      const attempt = await lessons.start(challenge).finally(hide);
      return [attempt, taskLines(challenge, attempt)];
    }
    case "check": {
      const challenge = await lessons.challenge(named);
      const attempt = await lessons.attempt(challenge);
      if (attempt === undefined) throw notBegun(challenge.metadata.name);
      return [attempt, checkLines(challenge, attempt), attempt.status?.phase === "Solved" ? DONE : FAILED];
    }
    case "hint": {
      const challenge = await lessons.challenge(named);
      return [challenge.spec.hints ?? [], hintLines(challenge, await lessons.attempt(challenge), number)];
    }
    case "reset": {
      const challenge = await lessons.challenge(named);
      const { name } = challenge.metadata;
      const count = await lessons.reset(challenge);
      if (count === 0) throw notBegun(name);
      return [{ challenge: name, attempts: count }, [`${name} was taken back, with its namespace; points that were earned stay`]];
    }
  }
}

function notBegun(name: string): BootFailure {
  return new BootFailure(`${name} was not begun: ${typed(`learn start ${name}`)}`);
}
