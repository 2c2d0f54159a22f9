import { expect, test } from "vitest";
import {
  asksEnd,
  cancelledAtOnce,
  deliveredOnceInOrder,
  endingsAreHeardOf,
  type Happening,
  type Invariant,
  noTurnWithoutLease,
  nothingVanishes,
  oneActivation,
  restartsHappen,
  restsWhenIdle,
} from "../../../runtime/simulator/mod.ts";

const on = { host: "host-0", life: 1 };
const elsewhere = { host: "host-1", life: 1 };
const a = (epoch: number, where = on) => ({ ...where, address: "actor/a" as const, epoch });
const message = (id: number) => ({ type: "do", id });
const RESTART = { strategy: "restart", backoff_ms: 100, backoff_max_ms: 1_000 } as const;
const RESTARTS = [{ kind: "actor", supervision: RESTART }];
const LIMITED = [
  { kind: "actor", supervision: { ...RESTART, limit: { restarts_max: 2, within_ms: 60_000, beyond: "escalate" } } },
] as const;

/** The first sentence that the invariant says about these happenings, one a second, or at rest after them. */
function saysOf(invariant: Invariant, happenings: readonly Happening[]): string | undefined {
  let at_ms = 0;
  for (const happening of happenings) {
    const text = invariant.saw?.({ at_ms, ...happening });
    if (text !== undefined) return text;
    at_ms += 1_000;
  }
  return invariant.atRest?.(at_ms + 60_000);
}

const ONE = message(1);
const TWO = message(2);
const turn = (epoch: number, what: "turn begins", where = on): Happening => ({ what, ...a(epoch, where), message: ONE });
const ends: Happening = { what: "turn ends", ...a(1), message: ONE, crashed: false };
const told = (id: number): Happening => ({ what: "told", ...on, from: "door", to: "actor/a", message: message(id) });
const taken = (id: number): Happening => ({ what: "turn begins", ...a(1), message: message(id) });
const asked: Happening = { what: "asked", ...on, from: "door", to: "actor/a", message: ONE, deadline_ms: 500 };
const answered: Happening = { what: "answered", ...on, to: "actor/a", message: ONE, value: 1 };
const crashed: Happening = { what: "turn ends", ...a(1), message: ONE, crashed: true };
const activated = (epoch: number, where = on): Happening => ({ what: "activated", ...a(epoch, where) });
/** What the kernel logs of the crash of this message, and what it says that follows. */
const said = (id: number, follows: string): Happening => ({
  what: "log",
  ...on,
  level: "error",
  text: "actor crashed",
  fields: { actor: "actor/a", err: new Error(`by ${id}`), follows },
});
const childFailed = { type: "childFailed", child: "actor/a", error: "Error: by 1" };
const RESTS = [{ kind: "actor", idle_ms: 3_000 }];
const ended = (epoch: number): Happening => ({ what: "ended", ...a(epoch) });
const cancels: Happening = { what: "note", ...on, text: "cancels", data: ONE };
const failedBy = (code: string): Happening => ({ what: "ask failed", ...on, to: "actor/a", message: ONE, code });
const watched = { type: "gone", of: "actor/a", watch: 1 };
const watches: Happening = { what: "note", ...on, text: "watches", data: { ...watched, by: "actor/b", epoch: 7 } };
const gone = (epoch: number): Happening => ({ what: "turn begins", ...on, address: "actor/b", epoch, message: watched });
const stops: Happening = { what: "turn ends", ...a(1), message: { type: "stop" }, crashed: false };
const killed: Happening = { what: "host ends", ...on, how: "killed" };

test.each<[string, () => Invariant, Happening[], RegExp | undefined]>([
  ["turns in a row", oneActivation, [activated(1), turn(1, "turn begins"), ends, turn(1, "turn begins")], undefined],
  ["an epoch that does not grow", oneActivation, [activated(2), activated(2, elsewhere)], /epoch is not less/],
  ["a turn of the older one", oneActivation, [activated(1), activated(2, elsewhere), turn(1, "turn begins")], /after .* of epoch 2/],
  ["two turns at once", oneActivation, [activated(1), turn(1, "turn begins"), turn(1, "turn begins")], /while it handles another/],
  ["a turn after the end", oneActivation, [activated(1), { what: "ended", ...a(1) }, turn(1, "turn begins")], /after its end/],
  ["a turn of nobody", oneActivation, [turn(1, "turn begins")], /was not activated/],
  ["a turn after a fence", oneActivation, [activated(1), { what: "fenced", ...on }, turn(1, "turn begins")], /after its host was fenced/],
  ["a turn with a lease", noTurnWithoutLease, [{ what: "lease", ...on, until_ms: 5_000 }, taken(1)], undefined],
  ["a turn without a lease", noTurnWithoutLease, [{ what: "lease", ...on, until_ms: 500 }, taken(1)], /lapsed/],
  ["an ask that ends", asksEnd, [asked, { ...answered }], /after its deadline/],
  ["an ask that never ends", asksEnd, [asked], /has not ended/],
  ["an ask that ends twice", asksEnd, [{ ...asked, deadline_ms: 5_000 } as Happening, answered, answered], /not open/],
  ["an ask of a host that was killed", asksEnd, [asked, killed], undefined],
  [
    "a deadline too early",
    asksEnd,
    [{ ...asked, deadline_ms: 5_000 } as Happening, { what: "ask failed", ...on, to: "actor/a", message: ONE, code: "deadline" }],
    /before it/,
  ],
  ["messages in order", deliveredOnceInOrder, [told(1), told(2), taken(1), taken(2)], undefined],
  ["a message twice", deliveredOnceInOrder, [told(1), taken(1), taken(1)], /second time/],
  ["messages out of order", deliveredOnceInOrder, [told(1), told(2), taken(2), taken(1)], /handled after it/],
  [
    "a message that was sent on, overtaken by one that went straight",
    deliveredOnceInOrder,
    [told(1), { what: "view", ...on, members: [], owns: () => false }, told(2), taken(2), taken(1)],
    undefined,
  ],
  ["an answer out of nothing", deliveredOnceInOrder, [asked, answered], /never handled/],
  ["a tell that vanishes", nothingVanishes, [told(1)], /vanished/],
  ["a tell that went down with its sender", nothingVanishes, [told(1), killed], undefined],
  ["a dead letter", nothingVanishes, [told(2), { what: "dead letter", ...on, reason: "stopped", to: "actor/a", message: TWO }], undefined],
  ["a restart", () => restartsHappen(RESTARTS), [activated(1), crashed, activated(2)], undefined],
  ["a lost restart", () => restartsHappen(RESTARTS), [activated(1), crashed, told(1), told(2)], /not restarted/],
  ["a lost restart, seen at rest", () => restartsHappen(RESTARTS), [activated(1), crashed], /not restarted/],
  [
    "no restart of what lives elsewhere now",
    () => restartsHappen(RESTARTS),
    [activated(1), crashed, { what: "view", ...on, members: [], owns: () => false }],
    undefined,
  ],
  ["no restart on a host that was killed", () => restartsHappen(RESTARTS), [activated(1), crashed, killed], undefined],
  ["a limit that is kept", () => restartsHappen(LIMITED), [said(1, "restart"), said(2, "restart"), said(3, "escalate")], undefined],
  ["given up too early", () => restartsHappen(LIMITED), [said(1, "restart"), said(2, "escalate")], /given up after 1/],
  ["restarted too often", () => restartsHappen(LIMITED), [said(1, "restart"), said(2, "restart"), said(3, "restart")], /restarted after 2/],
  [
    "a failure that nobody hears of",
    () => nothingVanishes(() => "boss/a"),
    [said(1, "escalate")],
    /failure of actor\/a by Error: by 1.* vanished/,
  ],
  [
    "a failure that is heard of",
    () => nothingVanishes(() => "boss/a"),
    [said(1, "escalate"), { what: "turn begins", ...a(1), address: "boss/a", message: childFailed }],
    undefined,
  ],
  ["rest after its time", () => restsWhenIdle(RESTS), [activated(1), told(1), told(2), told(3), ended(1)], undefined],
  ["rest too early", () => restsWhenIdle(RESTS), [activated(1), ended(1)], /went to rest 1000 ms/],
  ["no rest at all", () => restsWhenIdle(RESTS), [activated(1)], /does not rest/],
  ["an ask that is cancelled", cancelledAtOnce, [asked, cancels, failedBy("cancelled")], /was cancelled and has not ended/],
  ["an ask that ends as cancelled, and is not", cancelledAtOnce, [asked, failedBy("cancelled")], /ended by cancelled/],
  ["a turn of what was cancelled", cancelledAtOnce, [asked, cancels, failedBy("cancelled"), taken(1)], /was cancelled/],
  [
    "an ending that nobody hears of",
    endingsAreHeardOf,
    [told(0), told(0), watches, told(1), told(2), stops, told(3), told(4)],
    /has not been told/,
  ],
  ["word of no ending", endingsAreHeardOf, [told(0), told(0), watches, gone(7)], /and it has not/],
  ["word to the wrong activation", endingsAreHeardOf, [told(0), told(0), watches, ended(1), gone(8)], /not its own/],
  ["word of an ending", endingsAreHeardOf, [told(0), told(0), watches, told(1), told(2), stops, ended(1), gone(7)], undefined],
])("%s", (_name, invariant, happenings, says) => {
  const text = saysOf(invariant(), happenings);
  if (says === undefined) expect(text).toBeUndefined();
  else expect(text).toMatch(says);
});
