import { createRegistry, createStoreClient, KindTable, WRITER_ADDRESS } from "../../actors/mod.ts";
import { type Access, createAccess } from "../access/access.ts";
import { expressionAuthorizer } from "../access/admission/expression-authorizer.ts";
import { accessPlugins } from "../access/admission/plugins.ts";
import { untilNewest } from "../gateway/context.ts";
import { portsOf } from "../nats/address.ts";
import { Dialer } from "../outbound/dialer.ts";
import { OwnAddresses } from "../outbound/own-address.ts";
import { createWebhookClient } from "../outbound/webhook-client.ts";
import type { Ground } from "./ground.ts";
import type { RoleContext } from "./role-context.ts";

/** The doors of one host on its view of the store: what its actors read and write through, who may, and how those outside the cluster are reached. */
export function hostGround(
  { view, clock, random }: Pick<Ground, "view" | "clock" | "random">,
  { options, log, messenger, control, atStop }: Pick<RoleContext, "options" | "log" | "messenger" | "control" | "atStop">,
): Pick<RoleContext, "ground" | "own" | "dialer" | "access"> {
  const store = createStoreClient({ messenger, clock, random, address: WRITER_ADDRESS, view });
  const own = new OwnAddresses({ ports: portsOf(options.nats), certificate: options.control.tls.cert });
  const dialer = new Dialer(own);
  atStop(() => dialer.close());
  let opened: Access | undefined;
  const access = (): Access => {
    if (opened === undefined) {
      const made = createAccess({
        settings: control().access,
        view,
        clock,
        log,
        dialer,
        newest: () => untilNewest({ view, store }),
        registry: () => registry,
      });
      atStop(async () => made.stop());
      opened = made;
    }
    return opened;
  };
  const kinds = new KindTable();
  const registry = createRegistry({
    view,
    store,
    clock,
    random,
    kinds,
    serviceCidr: options.services.range,
    forwardsHere: (options.runtime.name === "sandbox" || options.runtime.name === "cri") && options.services.proxy !== undefined,
    webhooks: createWebhookClient({ view, random, dialer }),
    access: accessPlugins(access),
    authorizer: expressionAuthorizer(access),
  });
  return { ground: { view, store, registry, kinds, clock, random }, own, dialer, access };
}
