import type { KindTable } from "../../actors/kinds/kinds.ts";
import type { Registry } from "../../actors/registry/registry.ts";
import type { StoreClient } from "../../actors/store/transaction.ts";
import type { ObjectView, View } from "../../actors/store/view.ts";
import type { Clock, Logger, Messenger, Random } from "../../runtime/mod.ts";
import type { Access } from "../access/access.ts";
import type { Auditor } from "../audit/auditor.ts";
import type { NatsDoor } from "../nats/credentials.ts";
import type { Kubelets } from "../outbound/kubelets.ts";
import type { OwnAddresses } from "../outbound/own-address.ts";

/** What the gateway sees of the cluster. Handlers read from the view and write through the registry. */
export interface GatewayContext {
  readonly view: View;
  readonly store: StoreClient;
  readonly registry: Registry;
  readonly kinds: KindTable;
  readonly access: Access;
  /** By which actors are asked for what the store does not have. */
  readonly messenger: Messenger;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What of this machine is the cluster's own, and is not called for others. */
  readonly own: OwnAddresses;
  /** How machines that have joined are asked for what is on them; absent: there are none. */
  readonly kubelets?: Kubelets;
  /** The cluster's own NATS server; absent where others run it. */
  readonly nats?: NatsDoor;
  /** Records what is asked; without it nothing is. */
  readonly auditor?: Auditor;
}

/** What is needed to lead clients to what runs in pods, at the gateway and at the door of a machine that has joined. */
export interface PodsContext extends Pick<GatewayContext, "messenger" | "clock" | "log" | "own"> {
  readonly view: ObjectView;
  /** Resolves when the view shows what was committed when this was called, where somebody can say so. */
  newest(): Promise<void>;
}

/** Waits until the view shows everything that was committed when this was called: the base of consistent reads. */
export async function untilNewest(context: Pick<GatewayContext, "view" | "store">): Promise<void> {
  const revision = await context.store.committedRevision();
  if (context.view.revision < revision) await context.view.until(revision);
}
