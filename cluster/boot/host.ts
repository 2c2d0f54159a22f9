import type { NatsConnection } from "nats";
import { volumeDirectoriesIn } from "../../actors/controllers/volumes/volume-directories.ts";
import type { ServiceCIDR } from "../../actors/kinds/generated/types.ts";
import {
  createHollowRuntime,
  createHollowUsage,
  createPlacePool,
  createRegistry,
  createStoreClient,
  FLEET_ADDRESS,
  type FleetMessage,
  type Follower,
  fates,
  follow,
  followDefinitions,
  HighWaterFile,
  KindTable,
  type MetricsSource,
  type Node,
  type Registry,
  type Replica,
  RUNTIME_LABEL,
  ShardKeeper,
  SNAPSHOTTER_ADDRESS,
  type SnapshotterMessage,
  Stages,
  type StoreClient,
  type StoreCondition,
  UsageReader,
  WRITER_ADDRESS,
} from "../../actors/mod.ts";
import { DNS_ADDRESS_NUMBER } from "../../actors/node/dns/dns-service.ts";
import { addressInRange } from "../../actors/registry/service-range.ts";
import {
  type ActorKind,
  addressOf,
  Host,
  hostKind,
  type Logger,
  type Membership,
  type Message,
  natsTransport,
  type ObservedPool,
  type PortTransport,
  pinoLogger,
  systemClock,
  systemRandom,
  watchEventLoop,
  withFields,
} from "../../runtime/mod.ts";
import { type Access, createAccess } from "../access/access.ts";
import { expressionAuthorizer } from "../access/admission/expression-authorizer.ts";
import { accessPlugins } from "../access/admission/plugins.ts";
import { ensureDefaultRoles } from "../access/authorization/reconcile-roles.ts";
import { createCertifier } from "../access/certifier.ts";
import { RemoteCaller } from "../aggregation/remote-caller.ts";
import { RemoteServices } from "../aggregation/remote-services.ts";
import type { Auditor } from "../audit/auditor.ts";
import { untilNewest } from "../gateway/context.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { NatsAccounts } from "../nats/accounts.ts";
import { connectionOptions } from "../nats/address.ts";
import { firstConnection } from "../nats/first-connection.ts";
import { type Hosts, observedHosts } from "../observation/hosts.ts";
import { Dialer } from "../outbound/dialer.ts";
import { OwnAddresses } from "../outbound/own-address.ts";
import { createWebhookClient } from "../outbound/webhook-client.ts";
import { autoscalerMetrics } from "../resource-metrics/autoscaler-metrics.ts";
import { keepApiEndpoints } from "./api-endpoints.ts";
import { askExtenders } from "./ask-extender.ts";
import { ensureBootstrapObjects, keepBootstrapObjects, START_HOOKS } from "./bootstrap-objects.ts";
import { BootFailure } from "./failure.ts";
import type { ControlSecrets, FromHost, HostOptions } from "./host-protocol.ts";
import type { Role } from "./layout.ts";
import { HOST_LEASE_MS, joinMembers } from "./members.ts";
import { cautionAbout, copiesOn } from "./nats-facts.ts";
import { nodesToPlay } from "./nodes-to-play.ts";
import { type OpenedStore, openStore } from "./opened-store.ts";
import { podToken } from "./pod-token.ts";
import type { ProcessNodes, ProcessSettings } from "./process-nodes.ts";
import {
  controllerActors,
  definitionsActors,
  type Ground,
  keepResidents,
  nodeActors,
  recorderFor,
  residentsOf,
  schedulerActors,
  stageActors,
} from "./roles.ts";
import { storeActors } from "./store-role.ts";

const SUBJECT_PREFIX = "troupe";
const NODES_READY_DEADLINE_MS = 120_000;
const MACHINE_POLL_MS = 50;
/** A member of another data directory that died is waited for until its lease has run out; one that lives longer than this is alive. */
const JOIN_DEADLINE_MS: number = 2 * HOST_LEASE_MS;
/** How long answers under way may take when the gateway closes. */
const GATEWAY_DRAIN_MS = 2_000;

/** One host: an event loop with its NATS connection, its view of the store, and the actors of its roles. */
export class RunningHost {
  readonly #options: HostOptions;
  readonly #log: Logger;
  readonly #connection: NatsConnection;
  readonly #credentials: Credentials;
  #secrets: ControlSecrets | undefined;
  readonly #host: Host;
  readonly #replica: Replica;
  readonly #follower: Follower;
  readonly #store: StoreClient;
  readonly #own: OwnAddresses;
  readonly #dialer: Dialer;
  readonly #registry: Registry;
  readonly #kinds = new KindTable();
  readonly #hosts: Hosts;
  readonly #pools: ObservedPool[] = [];
  /** Whether a part of the store had to be done without at the start. */
  readonly #damaged: boolean;
  /** Of the host that has the store. */
  #condition: StoreCondition | undefined;
  #gateway: Gateway | undefined;
  #access: Access | undefined;
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #membership: Membership;
  readonly #givenUp = Promise.withResolvers<string>();

  private constructor(
    options: HostOptions,
    peers: PortTransport,
    log: Logger,
    { connection, credentials }: { readonly connection: NatsConnection; readonly credentials: Credentials },
    { journal, snapshots, replica, damaged }: OpenedStore,
  ) {
    const { plan } = options;
    this.#options = options;
    this.#log = log;
    this.#connection = connection;
    this.#credentials = credentials;
    this.#secrets = options.control;
    const membership = joinMembers(options, connection, { clock, random, log }, () =>
      this.#givenUp.resolve("it was silent for longer than its lease, and the other hosts have removed it"),
    );
    this.#membership = membership;
    const transport = peers.beside(natsTransport({ connection, prefix: SUBJECT_PREFIX, host: plan.name }));
    const probe = watchEventLoop();
    this.#closers.push(async () => probe.stop());
    this.#host = new Host({
      name: plan.name,
      clock,
      random,
      log,
      membership,
      transport,
      eventLoop: probe.read,
      escalated: ({ child, error }) => this.#givenUp.resolve(`one of its actors was given up: ${child}: ${error}`),
    });
    this.#host.register(
      hostKind(
        this.#host,
        () => this.#pools,
        () => this.#condition?.measures() ?? [],
      ),
    );
    this.#hosts = observedHosts(this.#host.messenger, membership.directory);
    const besideWriter = this.#has("store");
    this.#replica = replica;
    this.#follower = follow({ log: journal, replica: this.#replica, clock, logger: log, besideWriter });
    this.#store = createStoreClient({ messenger: this.#host.messenger, clock, random, address: WRITER_ADDRESS, view: this.#replica });
    this.#own = new OwnAddresses({ ports: portsOf(options.nats.servers), certificate: options.control?.tls.cert });
    this.#dialer = new Dialer(this.#own);
    this.#closers.push(() => this.#dialer.close());
    this.#registry = createRegistry({
      view: this.#replica,
      store: this.#store,
      clock,
      random,
      kinds: this.#kinds,
      serviceCidr: options.services.range,
      webhooks: createWebhookClient({ view: this.#replica, random, dialer: this.#dialer }),
      access: accessPlugins(() => this.#opened()),
      authorizer: expressionAuthorizer(() => this.#opened()),
    });
    this.#damaged = damaged;
    if (besideWriter) {
      const { highWaterFile, snapshotRevisions } = options;
      const highWater = new HighWaterFile(highWaterFile, journal.id);
      const store = storeActors({ journal, snapshots, replica, highWater, highWaterFile, snapshotRevisions });
      this.#condition = store.condition;
      this.#closers.push(store.close);
      this.#offer(store.kinds);
      this.#offer(definitionsActors(this.#ground));
    }
    // The others are at work, and send it what is its own from the moment on that it is a member.
    if (options.machine !== undefined) this.#offerNodes();
  }

  /** Connects, opens the log and reads it to its end. Throws BootFailure. */
  static async start(options: HostOptions, peers: PortTransport): Promise<RunningHost> {
    const log = withFields(pinoLogger({ level: options.logLevel }), { host: options.plan.name });
    const credentials: Credentials = { current: options.nats.credentials };
    const connection = await firstConnection({
      ...connectionOptions(options.nats, () => credentials.current),
      name: options.plan.name,
    }).catch((error: Error) => {
      throw new BootFailure(
        `cannot connect to NATS at ${options.nats.servers.join(", ")} (${error.message}); start it, or leave --nats out to have one brought along`,
      );
    });
    const store = await openStore(options, connection, log);
    const host = new RunningHost(options, peers, log, { connection, credentials }, store);
    await host.#follower.ready.catch((error: Error) => {
      throw new BootFailure(`cannot read the store's log: ${error.message}`);
    });
    await host.#joined();
    return host;
  }

  /** Resolves when this host is a member of its cluster. Rejects with BootFailure when somebody else is in its place. */
  async #joined(): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = clock.after(JOIN_DEADLINE_MS, () => {
      const where = this.#options.nats.servers.join(", ");
      reject(
        new BootFailure(
          `no place in the cluster on JetStream at ${where} within ${JOIN_DEADLINE_MS / 1_000} s: a Troupe of another data directory runs on the same store (stop that one, or give this one NATS servers of its own), or JetStream does not answer`,
        ),
      );
    });
    await Promise.race([this.#host.ready(), late]).finally(() => timer.cancel());
  }

  /** Takes up the roles; resolves when what they promise at the start holds: the API answers, the nodes are Ready. */
  async begin(): Promise<Omit<Extract<FromHost, { type: "begun" }>, "type">> {
    await this.#membership.sees(this.#options.plans.map(({ name }) => name));
    if (this.#damaged) this.#tellDamage();
    const definitions = followDefinitions(this.#replica, this.#kinds);
    this.#closers.push(async () => definitions.cancel());
    if (this.#has("store")) {
      this.#keep("store");
      const { ca, services } = this.#options;
      const facts = {
        ca,
        frontProxyCa: this.#control.frontProxy.ca,
        metricsOfNodes: this.#playsNodes(),
        serviceRange: services.range,
        dns: services.dns,
        ingress: services.ingressAddress !== undefined,
        localVolumes: this.#options.runtime.name !== "hollow",
      };
      this.#checkServiceRange();
      await ensureBootstrapObjects(this.#registry, this.#replica, facts);
      // A webhook that refuses to have a default mended is no reason not to start.
      await ensureDefaultRoles(this.#registry, this.#replica).catch((error: unknown) =>
        this.#log.warn({ error: String(error) }, "not all default roles could be made sure of; those stay as they are"),
      );
      const keeping = keepBootstrapObjects(this.#registry, this.#replica, facts, clock, this.#log);
      this.#closers.push(async () => keeping.cancel());
    }
    // What the user may have to mend, a port that is taken, comes to light before anything acts.
    const port = this.#has("gateway") ? await this.#beginGateway() : undefined;
    if (this.#has("scheduler")) this.#beginScheduler();
    if (this.#has("controllers")) this.#beginControllers();
    const nodes = this.#has("nodes") ? await this.#beginNodes() : undefined;
    return { ...(port === undefined ? {} : { port }), ...(nodes === undefined ? {} : { nodes }) };
  }

  /**
   * Rejects with BootFailure when the store's log can no longer be followed, by a fault that no retry heals. A host without the store gives itself
   * up instead: the one that has it may have in memory what is missing, and puts it where this one finds it when it starts again.
   */
  async watchLog(): Promise<void> {
    await this.#follower.done.catch((error: Error) => {
      if (!this.#has("store")) {
        this.#tellDamage();
        this.#givenUp.resolve(`it can no longer follow the store's log: ${error.message}`);
        return;
      }
      throw new BootFailure(`the store's log is damaged: ${error.message}; stop Troupe, and start from a copy of the data directory`);
    });
  }

  /**
   * Resolves with the reason when an actor that nobody supervises was given up, or the other hosts have given up this one. What its actors stand
   * on, this host's view of the store, may be wrong then: the host should end, for its parent to start it again from the log.
   */
  get givenUp(): Promise<string> {
    return this.#givenUp.promise;
  }

  /** What is known of where the store lies. */
  get facts(): { readonly copies: number; readonly caution: string | undefined } {
    return { copies: copiesOn(this.#connection), caution: cautionAbout(this.#connection) };
  }

  /** Shows these from now on, to clients and to the servers behind APIServices. */
  renewCertificates(control: ControlSecrets): void {
    this.#secrets = control;
    this.#gateway?.renew(control.tls);
  }

  /** Goes on with these. The server ends connections whose credentials have ended, so this one is made anew before. */
  async renewCredentials(credentials: string): Promise<void> {
    this.#credentials.current = credentials;
    await this.#connection.reconnect();
  }

  async stop(): Promise<void> {
    await this.#gateway?.close(GATEWAY_DRAIN_MS);
    await this.#host.stop();
    for (const close of this.#closers) await close();
    this.#follower.stop();
    await this.#connection.close();
  }

  /** Whoever takes snapshots is to put in a good place what is in a damaged one. */
  #tellDamage(): void {
    this.#host.messenger.tell<SnapshotterMessage>(SNAPSHOTTER_ADDRESS, { type: "damaged", snapshot: undefined });
  }

  get #control(): ControlSecrets {
    if (this.#secrets === undefined) throw new Error(`the host ${this.#options.plan.name} has a role for which it lacks the keys`);
    return this.#secrets;
  }

  #has(role: Role): boolean {
    return this.#options.plan.roles.includes(role);
  }

  /** Where autoscalers ask. */
  #metricsSource(): MetricsSource {
    const view = this.#replica;
    const services = new RemoteServices(view, () => false);
    this.#closers.push(async () => services.cancel());
    const caller = new RemoteCaller({ view, random, dialer: this.#dialer, frontProxy: () => this.#control.frontProxy });
    return autoscalerMetrics({ view, kinds: this.#kinds, services, caller, usage: this.#usageReader() });
  }

  #usageReader(): UsageReader | undefined {
    return this.#playsNodes() ? new UsageReader(this.#replica, this.#host.messenger) : undefined;
  }

  /** Whether this or another host plays nodes, which know what pods use: without any there is no API of metrics, as in a Kubernetes without a metrics-server. */
  #playsNodes(): boolean {
    return this.#options.nodes !== 0 && this.#options.plans.some(({ roles }) => roles.includes("nodes"));
  }

  #beginScheduler(): void {
    const pool = createPlacePool();
    this.#pools.push(pool);
    this.#closers.push(() => pool.close());
    const extenders = askExtenders();
    this.#closers.push(() => extenders.close());
    const { schedulerConfiguration: configuration, schedulers: shards } = this.#options;
    const configured = configuration === undefined ? {} : { configuration, askExtender: extenders.ask };
    this.#offer(schedulerActors(this.#ground, { ...configured, shards, pool }));
    const keeper = new ShardKeeper({ messenger: this.#host.messenger, clock, log: this.#log, shards });
    keeper.begin();
    this.#closers.push(async () => keeper.stop());
  }

  #beginControllers(): void {
    const { controllers, services, runtime } = this.#options;
    this.#offer(
      controllerActors(this.#ground, {
        caCertificate: this.#options.ca,
        certifier: createCertifier(this.#control.authority, () => this.#opened().authorizer, clock),
        signToken: (namespace, secret, account) => this.#opened().issuer.issueForSecret(namespace, secret, account),
        clusterCidrs: controllers.clusterCidrs,
        balancerAddresses: services.balancerAddresses,
        ...(runtime.name === "hollow" ? {} : { volumeDirectories: volumeDirectoriesIn(runtime.volumesDirectory) }),
        ...(services.ingressAddress === undefined ? {} : { ingressAddress: services.ingressAddress }),
        ...(controllers.endedPodsMax === undefined ? {} : { endedPodsMax: controllers.endedPodsMax }),
        ...(controllers.autoscalerPeriod_ms === undefined ? {} : { autoscalerPeriod_ms: controllers.autoscalerPeriod_ms }),
        metrics: this.#metricsSource(),
      }),
    );
    this.#keep("controllers");
  }

  /** Who may do what, as this host's view has it; made for the first who asks, when the view is complete. */
  #opened(): Access {
    if (this.#access === undefined) {
      const access = createAccess({
        settings: this.#control.access,
        view: this.#replica,
        clock,
        log: this.#log,
        dialer: this.#dialer,
        newest: () => untilNewest({ view: this.#replica, store: this.#store }),
      });
      this.#access = access;
      this.#closers.push(async () => access.stop());
    }
    return this.#access;
  }

  /** Undefined: nothing is recorded. */
  async #openAudit(): Promise<Auditor | undefined> {
    const { audit } = this.#options;
    if (audit === undefined) return undefined;
    const [{ Auditor }, { AuditLog }] = await Promise.all([import("../audit/auditor.ts"), import("../audit/log.ts")]);
    const log = await AuditLog.open(audit, this.#log);
    this.#closers.push(() => log.close());
    return new Auditor({ policy: audit.policy, log, clock });
  }

  async #beginGateway(): Promise<number> {
    const { version, apiHost, apiPort, nats } = this.#options;
    const { tls, natsKeys } = this.#control;
    // Only the host that has this role pays for the loading.
    const access = this.#opened();
    const [{ createGateway }, { Aggregation }, { ResourceMetrics }] = await Promise.all([
      import("../gateway/gateway.ts"),
      import("../aggregation/aggregation.ts"),
      import("../resource-metrics/resource-metrics.ts"),
    ]);
    const usage = this.#usageReader();
    const aggregation = new Aggregation({
      view: this.#replica,
      registry: this.#registry,
      clock,
      random,
      log: this.#log,
      dialer: this.#dialer,
      frontProxy: () => this.#control.frontProxy,
      ...(usage === undefined ? {} : { extension: new ResourceMetrics(this.#replica, usage) }),
    });
    this.#closers.push(async () => aggregation.close());
    const auditor = await this.#openAudit();
    const gateway = createGateway({
      ...(auditor === undefined ? {} : { auditor }),
      aggregation,
      view: this.#replica,
      store: this.#store,
      registry: this.#registry,
      kinds: this.#kinds,
      access,
      own: this.#own,
      messenger: this.#host.messenger,
      clock,
      random,
      log: this.#log,
      tls: { key: tls.key, cert: tls.cert, clientCa: tls.ca },
      version,
      hosts: this.#hosts,
      ...(natsKeys === undefined ? {} : { nats: { accounts: new NatsAccounts(natsKeys), servers: nats.servers, ca: nats.ca } }),

      begun: START_HOOKS,
    });
    this.#gateway = gateway;
    const port = await gateway.listen(apiPort, apiHost).catch((error: NodeJS.ErrnoException) => {
      throw new BootFailure(
        error.code === "EADDRINUSE"
          ? `port ${apiPort} on ${apiHost} is in use; choose another with --api-port P (0 takes any free one)`
          : `cannot listen on ${apiHost}:${apiPort} (${error.code ?? error.message}); choose another with --api-port P`,
      );
    });
    // Others can reach it then; an address of loopback is one for this machine alone.
    if (this.#options.services.proxy || !apiHost.startsWith("127.")) {
      const keeping = keepApiEndpoints(
        { registry: this.#registry, view: this.#replica, clock, log: this.#log },
        { address: apiHost, port },
      );
      this.#closers.push(async () => keeping.cancel());
    }
    return port;
  }

  /** Services keep the addresses that they have, so the range stays what it was. Throws BootFailure. */
  #checkServiceRange(): void {
    const [before] = this.#replica.get<ServiceCIDR>("servicecidrs.networking.k8s.io/kubernetes")?.spec?.cidrs ?? [];
    const { range } = this.#options.services;
    if (before === undefined || before === range) return;
    throw new BootFailure(
      `the services of this data directory have their addresses out of ${before}, and now they should be of ${range}; say --service-cluster-ip-range ${before}, or take another data directory`,
    );
  }

  /** The actors that play nodes: these, or hollow ones. */
  #offerNodes(processes?: ProcessNodes): void {
    const fate = fates(this.#options.seed);
    const view = this.#replica;
    const stages = new Stages({
      view,
      registry: this.#registry,
      recorder: recorderFor(this.#ground, "kubelet"),
      fate,
      clock,
      kinds: this.#kinds,
      log: this.#log,
      documents: this.#options.stages,
      version: this.#options.version,
    });
    this.#closers.push(async () => stages.close());
    this.#offer(stageActors(stages));
    if (processes !== undefined) {
      this.#offer(processes.kinds);
      return;
    }
    const runtime = createHollowRuntime(clock, random, { fate });
    const usageOf = createHollowUsage(view, () => random.next());
    this.#offer(nodeActors(this.#ground, { runtime, fate, usageOf, stages, machine: this.#options.machine }));
  }

  /** Plays the nodes; the first of the hosts with nodes also leads the fleet and waits until all have reported. */
  async #beginNodes(): Promise<number | undefined> {
    const view = this.#replica;
    const { machine, runtime, plans, plan } = this.#options;
    const played = view.list("nodes").filter((entry) => view.decode<Node>(entry).metadata.labels?.[RUNTIME_LABEL] === runtime.name);
    const nodes = nodesToPlay(this.#options.nodes, played.length, runtime.name);
    const processes = runtime.name === "hollow" ? undefined : await this.#processNodes(runtime, nodes);
    if (machine === undefined) this.#offerNodes(processes);
    const leads = plans.find(({ roles }) => roles.includes("nodes"))?.name === plan.name;
    if (leads) await processes?.clearOrphans();
    this.#keep("nodes");
    if (machine !== undefined) return this.#beginMachine(machine);
    await this.#beginServices(runtime.name);
    if (!leads) return undefined;
    const start: FleetMessage = { type: "start", nodes };
    const { ready } = await this.#host.messenger.ask<{ ready: number }>(FLEET_ADDRESS, start, {
      deadline_ms: NODES_READY_DEADLINE_MS,
    });
    return ready;
  }

  /** The Node of this machine lives here as long as the machine is there; resolves when it is Ready. */
  async #beginMachine(machine: string): Promise<number | undefined> {
    if (this.#options.plans[0]?.name !== this.#options.plan.name) return undefined;
    await this.#membership.pin(addressOf("node", machine), this.#options.plan.name);
    const isReady = (): boolean => {
      const node = this.#replica.get<Node>(`nodes/${machine}`);
      return node?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
    };
    const deadline_ms = clock.monotonic_ms() + NODES_READY_DEADLINE_MS;
    while (!isReady()) {
      if (clock.monotonic_ms() > deadline_ms)
        throw new BootFailure(
          `the node ${machine} was not Ready within ${NODES_READY_DEADLINE_MS / 1_000} s; the log of the cluster says why`,
        );
      await new Promise<void>((resolve) => clock.after(MACHINE_POLL_MS, resolve));
    }
    return 1;
  }

  /** Forwards services and answers for their names, where that is wanted; on one of the hosts with nodes each. */
  async #beginServices(runtime: string): Promise<void> {
    const { proxy, dns, ingressAddress } = this.#options.services;
    if (!proxy && !dns && ingressAddress === undefined) return;
    const { serviceActors } = await import("./service-actors.ts");
    const { kinds, residents } = await serviceActors(this.#ground, this.#options.services, runtime);
    this.#offer(kinds);
    const end = keepResidents(this.#host.messenger, this.#membership.directory, this.#options.plan.name, residents);
    this.#closers.push(async () => end());
  }

  async #processNodes(settings: ProcessSettings, nodes: number): Promise<ProcessNodes> {
    const { services } = this.#options;
    const { processNodes } = await import("./process-nodes.ts");
    const processes = await processNodes(this.#ground, {
      settings,
      nodes,
      dns: {
        servers: services.dns ? [addressInRange(services.range, DNS_ADDRESS_NUMBER)] : [],
        domain: services.clusterDomain,
      },
      log: this.#log,
      issueToken: (pod, audience, seconds) => podToken(this.#replica, this.#opened(), pod, audience, seconds),
    });
    this.#closers.push(() => processes.close());
    return processes;
  }

  get #ground(): Ground {
    return { view: this.#replica, store: this.#store, registry: this.#registry, kinds: this.#kinds, clock, random };
  }

  #offer(kinds: readonly ActorKind<Message>[]): void {
    for (const kind of kinds) this.#host.register(kind);
  }

  /** Sees to it that the residents of a role that live here are awake. */
  #keep(role: Role): void {
    const residents = residentsOf(role);
    const end = keepResidents(this.#host.messenger, this.#membership.directory, this.#options.plan.name, residents);
    this.#closers.push(async () => end());
  }
}

interface Credentials {
  current: string | undefined;
}

const clock = systemClock();
const random = systemRandom();

const NATS_PORT = 4_222;

/** `127.0.0.1:4222`, `nats://host`: the ports of the servers. */
function portsOf(servers: readonly string[]): ReadonlySet<number> {
  return new Set(servers.map((server) => Number(/:(\d+)\/?$/.exec(server)?.[1] ?? NATS_PORT)));
}
