import type { Auditor } from "../audit/auditor.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { NatsAccounts } from "../nats/accounts.ts";
import { connectionOptions } from "../nats/address.ts";
import { firstConnection } from "../nats/first-connection.ts";
import { observedHosts } from "../observation/hosts.ts";
import { keepApiEndpoints } from "./api-endpoints.ts";
import { askExtenders } from "./ask-extender.ts";
import { START_HOOKS } from "./bootstrap-objects.ts";
import { BootFailure } from "./failure.ts";
import { kubeletsOf, usageReader } from "./nodes-to-play.ts";
import type { RoleContext } from "./role-context.ts";

/** The door of clients, which nobody listens at yet. */
export async function openGateway(context: RoleContext): Promise<Gateway> {
  const { options, log, ground, messenger, membership, own, dialer } = context;
  const { tls, natsKeys } = context.control();
  const { version, nats } = options;
  const access = context.access();
  // Only the host that has this role pays for the loading.
  const [{ createGateway }, { Aggregation }, { ResourceMetrics }] = await Promise.all([
    import("../gateway/gateway.ts"),
    import("../aggregation/aggregation.ts"),
    import("../resource-metrics/resource-metrics.ts"),
  ]);
  const usage = usageReader(context);
  const aggregation = new Aggregation({
    view: ground.view,
    registry: ground.registry,
    clock: ground.clock,
    random: ground.random,
    log,
    dialer,
    frontProxy: () => context.control().frontProxy,
    ...(usage === undefined ? {} : { extension: new ResourceMetrics(ground.view, usage) }),
  });
  context.atStop(async () => aggregation.close());
  const auditor = await openAudit(context);
  const { schedulerConfiguration: configuration } = options;
  const extenders = askExtenders();
  context.atStop(() => extenders.close());
  return createGateway({
    ...ground,
    ...(auditor === undefined ? {} : { auditor }),
    aggregation,
    access,
    own,
    kubelets: kubeletsOf(context),
    messenger,
    log,
    tls: { key: tls.key, cert: tls.cert, clientCa: tls.ca },
    version,
    hosts: observedHosts(messenger, membership.directory),
    ...(natsKeys === undefined ? {} : { nats: { accounts: new NatsAccounts(natsKeys), servers: nats.servers, ca: nats.ca } }),
    ...(configuration === undefined ? {} : { scheduler: { configuration, askExtender: extenders.ask } }),
    begun: START_HOOKS,
  });
}

/** The door by NATS, where the servers are the cluster's own: on others' nobody says who asks. Returns how it is closed. */
export async function openDoorByNats({ options, log, ground, control }: RoleContext, { reception }: Gateway): Promise<() => Promise<void>> {
  const { natsKeys } = control();
  if (natsKeys === undefined) return async () => {};
  const { openNatsApi } = await import("../nats-api/open-nats-api.ts");
  const connection = await firstConnection({ ...connectionOptions(options.nats), name: `${options.plan.name}: door` });
  const accounts = new NatsAccounts(natsKeys);
  const { view, kinds, registry, clock } = ground;
  return openNatsApi({ connection, accounts, address: options.nats, reception, view, kinds, registry, clock, log });
}

/** Undefined: nothing is recorded. */
async function openAudit({ options, log, ground, atStop }: RoleContext): Promise<Auditor | undefined> {
  const { audit } = options;
  if (audit === undefined) return undefined;
  const [{ Auditor }, { AuditLog }] = await Promise.all([import("../audit/auditor.ts"), import("../audit/log.ts")]);
  const auditLog = await AuditLog.open(audit, log);
  atStop(() => auditLog.close());
  return new Auditor({ policy: audit.policy, log: auditLog, clock: ground.clock });
}

/** Serves the API from now on; returns the port. Throws BootFailure. */
export async function listen(context: RoleContext, gateway: Gateway): Promise<number> {
  const { options, log, ground } = context;
  const { apiHost, apiPort, services } = options;
  const port = await gateway.listen(apiPort, apiHost).catch((error: NodeJS.ErrnoException) => {
    throw new BootFailure(
      error.code === "EADDRINUSE"
        ? `port ${apiPort} on ${apiHost} is in use; choose another with --api-port P (0 takes any free one)`
        : `cannot listen on ${apiHost}:${apiPort} (${error.code ?? error.message}); choose another with --api-port P`,
    );
  });
  // Others can reach it then; an address of loopback is one for this machine alone.
  if (services.proxy !== undefined || !apiHost.startsWith("127.")) {
    const { registry, view, clock } = ground;
    const keeping = keepApiEndpoints({ registry, view, clock, log }, { address: apiHost, port });
    context.atStop(async () => keeping.cancel());
  }
  return port;
}
