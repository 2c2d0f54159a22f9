import type { Address } from "../address.ts";
import type { Entry } from "./registers.ts";
import {
  EMPTY_TABLE,
  hostOfLease,
  type Lease,
  leaseRegister,
  type MemberRow,
  type RegisterValue,
  type Renewal,
  rowOf,
  TABLE_REGISTER,
  type Table,
} from "./table.ts";

/** What a host is in the eyes of its cluster, and the durations of the protocol. */
export interface Settings {
  readonly host: string;
  readonly kinds: readonly string[];
  /** Which life of which process this is; unique. */
  readonly process: string;
  /** A host may act for this long after it sent a renewal that was written. */
  readonly lease_ms: number;
  /** Others wait this much longer before they revoke, against clocks that do not run at one rate. */
  readonly margin_ms: number;
  readonly renew_ms: number;
  /** After a write that failed, or came too late, the next try waits this long, unless the register changes before. */
  readonly retry_ms: number;
  /** Rows of hosts that are known to have ended, so that nobody need wait for their leases; asked when joining. */
  isGone(row: MemberRow): boolean;
}

/** What the host wants to be: not there, there, there without owning anything. */
export type Wish = "out" | "in" | "emptied";

/** A lease as it was last seen. */
interface LeaseSeen {
  readonly revision: number;
  readonly lease: Lease;
  readonly heard_ms: number;
}

/** What one host knows of its cluster and of its own part. */
export interface MembershipState {
  readonly settings: Settings;
  wish: Wish;
  /** The watch has told all that there was. */
  current: boolean;
  table: Table;
  tableRevision: number;
  readonly leases: Map<string, LeaseSeen>;
  /** Since when each row of the table has been seen, by host. */
  readonly rows: Map<string, { readonly incarnation: number; readonly seen_ms: number }>;
  /** Under which this host takes part. Invariant: undefined, or in the table and not revoked as far as this host knows. */
  incarnation: number | undefined;
  /** The version with which the last try to join would have been written. */
  attempted: number | undefined;
  /** Its last incarnation, of which no activation is left: its row may be replaced. */
  former: number | undefined;
  /** It was removed, and its activations have not all ended. */
  fencing: boolean;
  /** The version that the host was last told to apply. */
  told: number;
  /** What the host says that it has let go of, for renewals. */
  applied: number;
  holding: readonly Address[];
  /** It may start turns until then. */
  lease_until_ms: number;
  /** Since when its own lease has held without a break: only then does the silence of others mean anything. */
  attentive_ms: number;
  /** The version under which all members have let go of what is not theirs; 0 for none. */
  settled: number;
  /** What others said they hold, to notice changes. */
  heldElsewhere: string;
  /** Registers that are being written. */
  readonly writing: Set<string>;
  /** A renewal that was written and has not been seen yet. */
  unseen_ms: number | undefined;
  /** Registers that are not written before this time. */
  readonly notBefore: Map<string, number>;
  readonly pinWishes: Map<Address, string | undefined>;
  /** This version has been in use for so long that another is wanted. */
  worn: number | undefined;
}

export type MembershipEvent =
  | { readonly type: "changed"; readonly entry: Entry }
  | { readonly type: "current" }
  /** A write has ended: done, refused (`false`), or with an unknown outcome (`undefined`). */
  | { readonly type: "written"; readonly register: string; readonly done: boolean | undefined }
  | { readonly type: "wished"; readonly wish: Wish }
  /** An address is to live on this host, or (undefined) wherever it falls. */
  | { readonly type: "pinned"; readonly address: Address; readonly host: string | undefined }
  /** The host has let go of what is not its own under `version`, except for `holding`. */
  | { readonly type: "applied"; readonly version: number; readonly holding: readonly Address[] }
  /** The host has few epochs left under the present version. */
  | { readonly type: "worn"; readonly version: number }
  /** After `fence`: no activation of the former incarnation acts any more. */
  | { readonly type: "ended" }
  | { readonly type: "tick" };

export type MembershipAction =
  | { readonly type: "write"; readonly register: string; readonly value: RegisterValue; readonly expected: number }
  /** Under this table the host is to let go of what is not its own, and then to say so (`applied`). */
  | { readonly type: "apply"; readonly table: Table; readonly incarnation: number }
  /** Turns may start until then. */
  | { readonly type: "lease"; readonly until_ms: number }
  /** All members have let go of what is not theirs under this version, but for what they hold. */
  | { readonly type: "settled"; readonly version: number }
  /** What others hold, although it is not theirs any more. */
  | { readonly type: "held"; readonly addresses: readonly Address[] }
  /** Another host was found silent; its removal follows. */
  | { readonly type: "suspected"; readonly host: string; readonly silent_ms: number }
  /** This host was removed: all its activations end at once. Then it says `ended`, and joins anew. */
  | { readonly type: "fence"; readonly incarnation: number }
  /** This host is not in the table any more because it wished so. */
  | { readonly type: "left" };

export function newMembershipState(settings: Settings): MembershipState {
  return {
    settings,
    wish: "out",
    current: false,
    table: EMPTY_TABLE,
    tableRevision: 0,
    leases: new Map(),
    rows: new Map(),
    incarnation: undefined,
    attempted: undefined,
    former: undefined,
    fencing: false,
    told: 0,
    applied: 0,
    holding: [],
    lease_until_ms: Number.NEGATIVE_INFINITY,
    attentive_ms: Number.POSITIVE_INFINITY,
    settled: 0,
    heldElsewhere: "",
    writing: new Set(),
    unseen_ms: undefined,
    notBefore: new Map(),
    pinWishes: new Map(),
    worn: undefined,
  };
}

/**
 * The thought of the membership protocol: takes note of what happened (in `state`) and returns what is to be done about it. No clock, no
 * input, no output. Why no two activations of one address act at once: docs/adr/0011.
 */
export function decide(state: MembershipState, event: MembershipEvent, now_ms: number): readonly MembershipAction[] {
  const actions: MembershipAction[] = [];
  takeNote(state, event, now_ms, actions);
  if (!state.current) return actions;
  stand(state, actions);
  agree(state, actions);
  writeTable(state, now_ms, actions);
  renew(state, now_ms, actions);
  revokeTheSilent(state, now_ms, actions);
  return actions;
}

function takeNote(state: MembershipState, event: MembershipEvent, now_ms: number, actions: MembershipAction[]): void {
  switch (event.type) {
    case "changed":
      noteEntry(state, event.entry, now_ms, actions);
      return;
    case "current":
      state.current = true;
      return;
    case "written":
      state.writing.delete(event.register);
      if (event.done !== true) {
        state.notBefore.set(event.register, now_ms + state.settings.retry_ms);
        if (event.register === leaseRegister(state.settings.host)) state.unseen_ms = undefined;
      }
      return;
    case "wished":
      state.wish = event.wish;
      return;
    case "pinned":
      if (state.table.pins[event.address] === event.host) state.pinWishes.delete(event.address);
      else state.pinWishes.set(event.address, event.host);
      return;
    case "applied":
      state.applied = event.version;
      state.holding = event.holding;
      return;
    case "worn":
      state.worn = event.version;
      return;
    case "ended":
      state.fencing = false;
      return;
    case "tick":
      return;
  }
}

function noteEntry(state: MembershipState, { register, revision, value }: Entry, now_ms: number, actions: MembershipAction[]): void {
  if (register === TABLE_REGISTER) {
    if (revision <= state.tableRevision) return;
    state.table = value as Table;
    state.tableRevision = revision;
    state.notBefore.delete(register);
    for (const host of [...state.rows.keys()]) if (rowOf(state.table, host) === undefined) state.rows.delete(host);
    for (const { host, incarnation } of state.table.members)
      if (state.rows.get(host)?.incarnation !== incarnation) state.rows.set(host, { incarnation, seen_ms: now_ms });
    for (const [address, host] of state.pinWishes) if (state.table.pins[address] === host) state.pinWishes.delete(address);
    return;
  }
  const host = hostOfLease(register);
  if (host === undefined || revision <= (state.leases.get(host)?.revision ?? 0)) return;
  const lease = value as Lease;
  state.leases.set(host, { revision, lease, heard_ms: now_ms });
  state.notBefore.delete(register);
  if (host !== state.settings.host) return;
  state.unseen_ms = undefined;
  if ("revoked" in lease || lease.incarnation !== state.incarnation) return;
  const until_ms = lease.sent_ms + state.settings.lease_ms;
  if (until_ms <= state.lease_until_ms) return;
  // While this host could not hear of itself it could not hear of others either.
  if (now_ms >= state.lease_until_ms) state.attentive_ms = now_ms;
  state.lease_until_ms = until_ms;
  actions.push({ type: "lease", until_ms });
}

/** Whether this host takes part, and under which incarnation and version. */
function stand(state: MembershipState, actions: MembershipAction[]): void {
  const { settings, table } = state;
  const own = rowOf(table, settings.host);
  if (state.incarnation !== undefined && (own?.incarnation !== state.incarnation || isRevoked(state, settings.host, state.incarnation))) {
    const { incarnation } = state;
    Object.assign(state, { incarnation: undefined, former: incarnation, settled: 0, attentive_ms: Number.POSITIVE_INFINITY });
    state.lease_until_ms = Number.NEGATIVE_INFINITY;
    if (state.wish === "out") {
      actions.push({ type: "left" });
    } else {
      state.fencing = true;
      actions.push({ type: "fence", incarnation });
    }
  }
  if (
    state.incarnation === undefined &&
    !state.fencing &&
    own !== undefined &&
    own.process === settings.process &&
    own.incarnation === state.attempted
  ) {
    Object.assign(state, { incarnation: own.incarnation, attempted: undefined, told: 0, applied: 0, holding: [] });
  }
  if (state.incarnation !== undefined && table.version > state.told) {
    state.told = table.version;
    actions.push({ type: "apply", table, incarnation: state.incarnation });
  }
}

/** Whether all agree on the version, and what is held meanwhile. */
function agree(state: MembershipState, actions: MembershipAction[]): void {
  const { settings, table } = state;
  if (state.incarnation === undefined) return;
  const held: Address[] = [];
  let agreed = state.applied === table.version;
  for (const { host, incarnation } of table.members) {
    if (host === settings.host) continue;
    const renewal = renewalOf(state, host, incarnation);
    agreed &&= renewal?.applied === table.version;
    if (renewal !== undefined) held.push(...renewal.holding);
  }
  const key = held.join("\n");
  if (key !== state.heldElsewhere) {
    state.heldElsewhere = key;
    actions.push({ type: "held", addresses: held });
  }
  if (!agreed || state.settled === table.version) return;
  state.settled = table.version;
  actions.push({ type: "settled", version: table.version });
}

function writeTable(state: MembershipState, now_ms: number, actions: MembershipAction[]): void {
  if (!mayWrite(state, TABLE_REGISTER, now_ms)) return;
  const next = wantedTable(state);
  if (next === undefined) return;
  if (state.incarnation === undefined && rowOf(next, state.settings.host) !== undefined) state.attempted = next.version;
  write(state, now_ms, TABLE_REGISTER, next, state.tableRevision, actions);
}

/** The table as this host would have it next; undefined when it is right as it is. */
function wantedTable(state: MembershipState): Table | undefined {
  const { settings, table, wish, incarnation } = state;
  const version = table.version + 1;
  const joining = incarnation === undefined && wish !== "out" && !state.fencing && mayReplaceOwnRow(state);
  const kinds = wish === "emptied" ? [] : settings.kinds;
  let changed = joining || state.worn === table.version;
  const members: MemberRow[] = [];
  for (const row of table.members) {
    if (row.host === settings.host && (joining || (incarnation !== undefined && wish === "out"))) changed = true;
    else if (isRevoked(state, row.host, row.incarnation) || (joining && settings.isGone(row))) changed = true;
    else if (row.incarnation === incarnation && row.host === settings.host && row.kinds.length !== kinds.length) {
      members.push({ ...row, kinds });
      changed = true;
    } else members.push(row);
  }
  // Who was not removed by its own wish, or does not take part, has no say.
  if (!joining && incarnation === undefined) return undefined;
  if (joining) members.push({ host: settings.host, kinds, incarnation: version, process: settings.process });
  const pins: Record<Address, string> = { ...table.pins };
  for (const [address, host] of state.pinWishes) {
    if (pins[address] === host) continue;
    changed = true;
    if (host === undefined) delete pins[address];
    else pins[address] = host;
  }
  return changed ? { version, members, pins } : undefined;
}

/** No other life of this host can still act under the row that has its name. */
function mayReplaceOwnRow(state: MembershipState): boolean {
  const own = rowOf(state.table, state.settings.host);
  if (own === undefined || own.incarnation === state.former) return true;
  return isRevoked(state, own.host, own.incarnation) || state.settings.isGone(own);
}

/** Says that this host lives, and what it has let go of, when there is something new to say or it is time. */
function renew(state: MembershipState, now_ms: number, actions: MembershipAction[]): void {
  const { settings, incarnation } = state;
  const register = leaseRegister(settings.host);
  // A renewal that was written but does not come back means that this host is deaf: it must not go on without hearing of others.
  if (incarnation === undefined || state.applied === 0 || state.unseen_ms !== undefined || !mayWrite(state, register, now_ms)) return;
  const last = renewalOf(state, settings.host, incarnation);
  const news = last === undefined || last.applied !== state.applied || last.holding.length !== state.holding.length;
  if (!news && now_ms - last.sent_ms < settings.renew_ms) return;
  state.unseen_ms = now_ms;
  const renewal: Renewal = { incarnation, sent_ms: now_ms, applied: state.applied, holding: state.holding };
  write(state, now_ms, register, renewal, state.leases.get(settings.host)?.revision ?? 0, actions);
}

/** Takes the lease from every host that was silent for longer than it can last; and from who has this host's name, when it wants to join. */
function revokeTheSilent(state: MembershipState, now_ms: number, actions: MembershipAction[]): void {
  const { settings } = state;
  const attentive = state.incarnation !== undefined && now_ms < state.lease_until_ms;
  for (const { host, incarnation } of state.table.members) {
    const mine = host === settings.host;
    if (mine ? state.incarnation !== undefined || state.wish === "out" || mayReplaceOwnRow(state) : !attentive) continue;
    const register = leaseRegister(host);
    if (isRevoked(state, host, incarnation) || !mayWrite(state, register, now_ms)) continue;
    const seen = state.leases.get(host);
    const heard_ms = seen?.lease.incarnation === incarnation ? seen.heard_ms : (state.rows.get(host)?.seen_ms ?? now_ms);
    const silent_ms = now_ms - (mine ? heard_ms : Math.max(heard_ms, state.attentive_ms));
    if (silent_ms < settings.lease_ms + settings.margin_ms) continue;
    actions.push({ type: "suspected", host, silent_ms });
    write(state, now_ms, register, { incarnation, revoked: true }, seen?.revision ?? 0, actions);
  }
}

function renewalOf(state: MembershipState, host: string, incarnation: number): Renewal | undefined {
  const lease = state.leases.get(host)?.lease;
  return lease === undefined || lease.incarnation !== incarnation || "revoked" in lease ? undefined : lease;
}

function isRevoked(state: MembershipState, host: string, incarnation: number): boolean {
  const lease = state.leases.get(host)?.lease;
  return lease !== undefined && lease.incarnation === incarnation && "revoked" in lease;
}

function mayWrite(state: MembershipState, register: string, now_ms: number): boolean {
  return !state.writing.has(register) && now_ms >= (state.notBefore.get(register) ?? Number.NEGATIVE_INFINITY);
}

function write(
  state: MembershipState,
  now_ms: number,
  register: string,
  value: RegisterValue,
  expected: number,
  actions: MembershipAction[],
): void {
  state.writing.add(register);
  // Until the change is seen, or long enough for it not to have been made.
  state.notBefore.set(register, now_ms + state.settings.retry_ms);
  actions.push({ type: "write", register, value, expected });
}
