import { styleText } from "node:util";
import type { Attempt, Challenge, Learner } from "../../actors/controllers/learn/learn-objects.ts";
import { type Column, columnLines } from "../command-line/columns.ts";
import { typed } from "../command-line/typed.ts";
import { wrap } from "../command-line/wrap.ts";
import type { Lesson } from "./lessons.ts";

const WIDTH = 80;

const LESSONS: readonly Column<Lesson>[] = [
  { title: "#", right: true, text: ({ number }) => String(number) },
  { title: "CHALLENGE", text: ({ name }) => name },
  { title: "TIER", text: ({ tier }) => tier },
  { title: "POINTS", right: true, text: ({ points }) => String(points) },
  { title: "TITLE", text: ({ title }) => title },
  { title: "STATE", text: ({ state }) => state },
];

const LEARNERS: readonly Column<Learner>[] = [
  { title: "USER", text: ({ spec }) => spec.user },
  { title: "POINTS", right: true, text: ({ status }) => String(status?.points ?? 0) },
  { title: "SOLVED", right: true, text: ({ status }) => String(status?.solved.length ?? 0) },
  { title: "BADGES", text: ({ status }) => status?.badges.join(", ") ?? "" },
];

export function lessonLines(lessons: readonly Lesson[], user: string, learner: Learner | undefined): readonly string[] {
  const { points = 0, badges = [] } = learner?.status ?? {};
  return [
    ...columnLines(LESSONS, lessons),
    "",
    `${user}: ${points} points${badges.length === 0 ? "" : `, ${badges.join(", ")}`}; ${typed("learn start N")} begins a challenge`,
  ];
}

export function leaderboardLines(learners: readonly Learner[]): readonly string[] {
  return learners.length === 0 ? [`nobody has begun yet: ${typed("learn")}`] : columnLines(LEARNERS, learners);
}

/** What is to be done, and where. */
export function taskLines({ metadata: { name }, spec }: Challenge, attempt: Attempt): readonly string[] {
  const { namespace = "" } = attempt.status ?? {};
  return [
    styleText("bold", `${spec.title} (${name}, ${spec.tier}, ${spec.points} points)`),
    ...wrap(placed(spec.text, namespace), WIDTH),
    "",
    `in the namespace ${styleText("cyan", namespace)}: kubectl -n ${namespace} ...`,
    `${typed(`learn check ${name}`)} says how far you are, ${typed(`learn hint ${name}`)} helps`,
  ];
}

/** How far one is. */
export function checkLines({ metadata: { name }, spec }: Challenge, attempt: Attempt): readonly string[] {
  const { phase, namespace = "", checks = [], message } = attempt.status ?? {};
  const lines = checks.map(({ holds, says }) => `${holds ? styleText("green", "[x]") : "[ ]"} ${placed(says, namespace)}`);
  const verdict =
    phase === "Solved" ? styleText("green", `solved: ${spec.points} points`) : `not yet: ${typed(`learn hint ${name}`)} helps`;
  return [`${spec.title} (${name}), in the namespace ${namespace}`, ...lines, message ?? verdict];
}

/** One hint, and that there are more. */
export function hintLines(
  { metadata: { name }, spec: { hints = [] } }: Challenge,
  attempt: Attempt | undefined,
  number: number,
): readonly string[] {
  const hint = hints[number - 1];
  if (hint === undefined) return [hints.length === 0 ? `there are no hints for ${name}` : `there are ${hints.length} hints for ${name}`];
  const more = number < hints.length ? [`${typed(`learn hint ${name} ${number + 1}`)} says more`] : [];
  return [...wrap(placed(hint, attempt?.status?.namespace ?? "NAMESPACE"), WIDTH), ...more];
}

/** Text of a challenge for an attempt in this namespace. */
function placed(text: string, namespace: string): string {
  return text.replaceAll("$(namespace)", namespace);
}
