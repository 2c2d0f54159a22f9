import { type Kind, resourceOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { View } from "../../store/view.ts";
import { create, modifyStatus, newMeta, updateStatus } from "../actions.ts";
import { type Action, type Controller, type HearOfCustom, NOTHING, type Watch } from "../controller.ts";
import { entriesOf, evaluated, holds } from "./expressions.ts";
import {
  ATTEMPTS,
  type Attempt,
  type AttemptStatus,
  BADGES,
  type Badge,
  CHALLENGES,
  type Challenge,
  LEARN_COMPONENT,
  LEARN_GROUP,
  LEARN_VERSION,
  LEARNERS,
  type Learner,
} from "./learn-objects.ts";
import { learnerName, withSolved } from "./learner.ts";
import { namespaceWrites, outsideWrites } from "./rights.ts";
import { madeBy, planned, SetupFailure, writesOf } from "./setup.ts";

/** How often what a learner does is looked at. Nothing else is done for it: pods of attempts are pods as all others. */
const LOOK_MS = 500;
/** Names of namespaces end here. */
const NAMESPACE_PREFIX = "learn-";
/** Of one user that are under way at a time: each is a namespace, and some have nodes. */
const ATTEMPTS_MAX = 20;

const WATCHES: readonly Watch[] = [{ resource: ATTEMPTS, keys: ({ now }) => (now === undefined ? [] : [now.key]) }];

/**
 * Sets the stage for everybody who attempts a challenge, looks whether its checks hold, and keeps book of what is solved. A learner may make attempts of his own
 * name and nothing else of it: status and points are written here alone, and what setup made is known by its UID, so that what was made anew is not taken for what
 * was to be mended. Where the custom resources are not defined nothing is looked at.
 */
export function learnController(builtIn: readonly Kind[], hearOfCustom: HearOfCustom | undefined): Controller {
  const custom = new Map<string, Kind>();
  const isOurs = (kind: Kind): boolean => kind.group === LEARN_GROUP && kind.version === LEARN_VERSION;
  return {
    name: "learn",
    component: LEARN_COMPONENT,
    watches: [],
    ...(hearOfCustom === undefined
      ? {}
      : {
          more: (watch) =>
            hearOfCustom((kind) => {
              const isFirst = !custom.has(resourceOf(kind));
              custom.set(resourceOf(kind), kind);
              if (isFirst && isOurs(kind) && resourceOf(kind) === ATTEMPTS) for (const each of WATCHES) watch(each, []);
            }),
        }),
    reconcile: (view, key, now_ms) => {
      const attempt = view.get<Attempt>(key);
      const [attempts, learners] = [custom.get(ATTEMPTS), custom.get(LEARNERS)];
      if (attempt === undefined || attempt.metadata.deletionTimestamp !== undefined) return NOTHING;
      if (attempts === undefined || learners === undefined) return NOTHING;
      return next({ view, attempt, attempts, learners, kinds: [...builtIn, ...custom.values()], now: timestamp(now_ms) });
    },
  };
}

interface Round {
  readonly view: View;
  readonly attempt: Attempt;
  /** Of attempts and of learners. */
  readonly attempts: Kind;
  readonly learners: Kind;
  readonly kinds: readonly Kind[];
  readonly now: string;
}

/** What is done for an attempt now. */
function next(round: Round): readonly Action[] {
  const { view, attempt, now } = round;
  const challenge = view.get<Challenge>(`${CHALLENGES}/${attempt.spec.challenge}`);
  const namespace = `${NAMESPACE_PREFIX}${attempt.metadata.name}`;
  const status = attempt.status ?? { phase: "SettingUp", namespace, step: 0, startedAt: now };
  if (status.phase === "Failed" || status.phase === "Solved") return NOTHING;
  if (challenge === undefined)
    return [said(round, { ...status, phase: "Failed", message: `there is no challenge ${attempt.spec.challenge}` })];
  try {
    if (attempt.status === undefined) return begun(round, challenge, status);
    return status.phase === "SettingUp" ? settingUp(round, challenge, status) : looking(round, challenge, status);
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    return [said(round, { ...status, phase: "Failed", message: error.message })];
  }
}

function said({ attempts, attempt }: Round, status: AttemptStatus): Action {
  return updateStatus(attempts, attempt, status);
}

/** The learner's book, a namespace, and what he may do there. */
function begun(round: Round, { spec: challenge }: Challenge, status: AttemptStatus): readonly Action[] {
  const { view, attempt, learners, kinds } = round;
  const { user } = attempt.spec;
  const others = view
    .list(ATTEMPTS)
    .map((entry) => view.decode<Attempt>(entry))
    .filter(({ spec, status: { phase } = {} }) => spec.user === user && (phase === "SettingUp" || phase === "Active"));
  if (others.length >= ATTEMPTS_MAX) throw new SetupFailure(`${ATTEMPTS_MAX} attempts are under way; finish some, or take them back`);
  const name = learnerName(user);
  const book = view.get<Learner>(`${LEARNERS}/${name}`);
  const all = (challenge.setup ?? []).flatMap(({ objects = [] }) => planned(objects, kinds, attempt, status.namespace));
  const writes = [
    ...(book === undefined ? [create(learners, { metadata: newMeta({ name }), spec: { user } } as Learner)] : []),
    ...namespaceWrites(view, attempt, status.namespace),
    ...outsideWrites(view, attempt, status.namespace, all),
  ];
  return [{ do: "inOrder", steps: [...writes, said(round, status)] }];
}

/** One step after another; each is made as it is said, and waited for. */
function settingUp(round: Round, challenge: Challenge, status: AttemptStatus): readonly Action[] {
  const { view, attempt, kinds, now } = round;
  const { setup = [], record = [] } = challenge.spec;
  const { step = 0, made: isMade = false, namespace } = status;
  const current = setup[step];
  if (current !== undefined && !isMade) {
    const writes = writesOf(view, attempt, planned(current.objects ?? [], kinds, attempt, namespace));
    return [{ do: "inOrder", steps: [...writes, said(round, { ...status, made: true })] }];
  }
  const made = madeBy(view, setup.slice(0, step + 1), kinds, attempt, namespace);
  if (made === undefined) return [{ do: "requeue", after_ms: LOOK_MS }];
  if (current !== undefined) {
    const world = { view, kinds, attempt, status: { ...status, setup: made } };
    if (current.until !== undefined && !holds(current.until, world).holds) return [{ do: "requeue", after_ms: LOOK_MS }];
    return [said(round, { ...status, step: step + 1, made: false })];
  }
  const recorded = Object.fromEntries(
    record.map((plural) => {
      const kind = kinds.find((each) => each.plural === plural);
      if (kind === undefined) throw new SetupFailure(`${plural}, of which a record is wanted, are no kind here`);
      return [plural, entriesOf(view, kind, namespace, attempt.metadata.name).map((entry) => view.decode(entry).metadata.uid)];
    }),
  );
  const { message: _message, step: _step, made: _made, ...kept } = status;
  const active: AttemptStatus = { ...kept, phase: "Active", setup: made, recorded };
  const checks = evaluated(challenge.spec.checks, { view, kinds, attempt, status: active }, now);
  if (checks.every((check) => check.holds)) throw new SetupFailure("all checks hold before anything was done: there is nothing to learn");
  return [said(round, { ...active, checks })];
}

/** Whether it is solved. */
function looking(round: Round, challenge: Challenge, status: AttemptStatus): readonly Action[] {
  const { view, attempt, learners, kinds, now } = round;
  const { spec, metadata } = challenge;
  const checks = evaluated(spec.checks, { view, kinds, attempt, status }, now);
  if (!checks.every((check) => check.holds)) {
    const again: Action = { do: "requeue", after_ms: LOOK_MS };
    return semanticEqual(checks, status.checks) ? [again] : [said(round, { ...status, checks }), again];
  }
  const book = view.get<Learner>(`${LEARNERS}/${learnerName(attempt.spec.user)}`);
  // Somebody removed it: a new one, and the points in the next round.
  if (book === undefined) {
    const user = attempt.spec.user;
    return [create(learners, { metadata: newMeta({ name: learnerName(user) }), spec: { user } } as Learner)];
  }
  const solved = { challenge: metadata.name, tier: spec.tier, points: spec.points, at: now };
  const badges = view.list(BADGES).map((entry) => view.decode<Badge>(entry));
  const challenges = view.list(CHALLENGES).map((entry) => view.decode<Challenge>(entry));
  return [
    {
      do: "inOrder",
      steps: [
        modifyStatus(learners as unknown as Kind<Learner>, book, (current) => ({
          ...current,
          status: withSolved(current.status, solved, badges, challenges),
        })),
        said(round, { ...status, phase: "Solved", checks, solvedAt: now }),
      ],
    },
  ];
}
