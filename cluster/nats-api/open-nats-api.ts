import type { NatsConnection } from "nats";
import type { Clock, Logger } from "../../runtime/mod.ts";
import type { Aggregation } from "../aggregation/aggregation.ts";
import type { GatewayContext } from "../gateway/context.ts";
import type { Reception } from "../gateway/reception.ts";
import type { NatsAccounts } from "../nats/accounts.ts";
import type { NatsAddress } from "../nats/address.ts";
import { Interest } from "./interest.ts";
import { NatsApi } from "./nats-api.ts";
import { PreferredVersions } from "./preferred-versions.ts";
import { PublishedEvents } from "./published-events.ts";

export interface NatsDoorOptions extends Pick<GatewayContext, "view" | "kinds" | "registry"> {
  readonly address: NatsAddress;
  readonly accounts: NatsAccounts;
  /** Of this door alone, in the account of the hosts. */
  readonly connection: NatsConnection;
  readonly reception: Reception;
  readonly aggregation?: Aggregation;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Opens the door by NATS: requests are answered, and what clients listen to is published. Returns how it is closed. */
export async function openNatsApi(options: NatsDoorOptions): Promise<() => Promise<void>> {
  const { connection, reception, view, kinds, registry, clock, log, accounts, address, aggregation } = options;
  const versions = new PreferredVersions(kinds, aggregation);
  const preferred = (group: string, resource: string): string | undefined => versions.of(group, resource);
  const events = new PublishedEvents({ connection, view, kinds, registry, preferred, log });
  const interest = await Interest.open({ accounts, address, clock, log, changed: (patterns) => events.listen(patterns) });
  const api = await NatsApi.start({ connection, reception, preferred, published: () => interest.refresh(), view, clock, log });
  return async () => {
    await api.close();
    await interest.close();
    events.listen([]);
    versions.close();
    await connection.drain();
  };
}
