import type { ActorKind, Logger, Membership, Message, Messenger } from "../../runtime/mod.ts";
import type { Access } from "../access/access.ts";
import type { Dialer } from "../outbound/dialer.ts";
import type { OwnAddresses } from "../outbound/own-address.ts";
import type { Ground } from "./ground.ts";
import type { ControlSecrets, HostOptions } from "./host-protocol.ts";
import type { Resident } from "./residents.ts";

/** What the roles of a host stand on, and what they bring it. */
export interface RoleContext {
  readonly options: HostOptions;
  readonly log: Logger;
  readonly ground: Ground;
  readonly messenger: Messenger;
  readonly membership: Membership;
  /** Where nobody is let be called from here: the cluster itself. */
  readonly own: OwnAddresses;
  readonly dialer: Dialer;
  /** As they are now: certificates are renewed. Throws on a host whose roles need none. */
  control(): ControlSecrets;
  /** Who may do what, as this host's view has it; made for the first who asks, when the view is complete. */
  access(): Access;
  offer(kinds: readonly ActorKind<Message>[]): void;
  /** Sees to it that those of these that live here are awake. */
  keep(residents: readonly Resident[]): void;
  /** Called when the actors have ended, in the order in which they came. */
  atStop(close: () => Promise<void>): void;
}
