import type { NatsConnection } from "nats";
import { type Clock, HOST_KIND, type Logger, type MemberRow, Membership, NatsRegisters, type Random } from "../../runtime/mod.ts";
import type { HostOptions } from "./host-protocol.ts";
import { KINDS_OF_ROLE, MEMBERS_BUCKET } from "./layout.ts";
import { copiesOn } from "./nats-facts.ts";

/**
 * Longer than the kernel's default: a host of ours that dies is seen by its parent at once, so a lease only has to find out processes that are
 * stopped or cut off, and a host whose event loop is held up by something large should not be taken for one of them.
 */
export const HOST_LEASE_MS = 15_000;

/** A write to JetStream each time: often enough that a lease survives three that fail. */
export const HOST_RENEW_MS = 3_000;

/** The part that one host has in its cluster, in the table that JetStream keeps. `fenced` is called when it was removed from it; it does not come back. */
export function joinMembers(
  options: HostOptions,
  connection: NatsConnection,
  surroundings: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
  fenced: () => void,
): Membership {
  const { plan, directory, process } = options;
  const { clock } = surroundings;
  const life = `${directory}/${process}`;
  return new Membership({
    ...surroundings,
    host: plan.name,
    kinds: [HOST_KIND, ...plan.roles.flatMap((role) => KINDS_OF_ROLE[role])],
    registers: new NatsRegisters({ connection, bucket: MEMBERS_BUCKET, clock, replicas: copiesOn(connection) }),
    lease_ms: HOST_LEASE_MS,
    renew_ms: HOST_RENEW_MS,
    process: life,
    isGone: (member) => isGone(member, life, plan.name),
    fenced: () => {
      fenced();
      return false;
    },
  });
}

/** A member of an earlier life of this data directory, or the thread that the host of this name was until its parent started another. */
export function isGone({ process, host }: MemberRow, life: string, self: string): boolean {
  if (process === life) return host === self;
  return process.split("/")[0] === life.split("/")[0];
}
