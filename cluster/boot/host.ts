import type { NatsConnection } from "nats";
import {
  type Follower,
  follow,
  followDefinitions,
  SNAPSHOTTER_ADDRESS,
  type SnapshotterMessage,
  type StoreCondition,
} from "../../actors/mod.ts";
import {
  Host,
  hostKind,
  type Logger,
  natsTransport,
  type ObservedPool,
  type PortTransport,
  pinoLogger,
  systemClock,
  systemRandom,
  watchEventLoop,
  withFields,
} from "../../runtime/mod.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { connectionOptions } from "../nats/address.ts";
import { firstConnection } from "../nats/first-connection.ts";
import { beginControllers } from "./controllers-role.ts";
import { BootFailure } from "./failure.ts";
import { listen, openDoorByNats, openGateway } from "./gateway-role.ts";
import { hostGround } from "./host-ground.ts";
import type { ControlSecrets, FromHost, HostOptions } from "./host-protocol.ts";
import type { Role } from "./layout.ts";
import { HOST_LEASE_MS, joinMembers } from "./members.ts";
import { cautionAbout, copiesOn } from "./nats-facts.ts";
import { beginNodes } from "./nodes-role.ts";
import { type OpenedStore, openStore } from "./opened-store.ts";
import { keepResidents } from "./residents.ts";
import type { RoleContext } from "./role-context.ts";
import { beginScheduler } from "./scheduler-role.ts";
import { beginStore, offerStore } from "./store-role.ts";

const SUBJECT_PREFIX = "troupe";
/** A member of another data directory that died is waited for until its lease has run out; one that lives longer than this is alive. */
const JOIN_DEADLINE_MS: number = 2 * HOST_LEASE_MS;
/** How long answers under way may take when the gateway closes. */
const GATEWAY_DRAIN_MS = 2_000;

/** One host: an event loop with its NATS connection, its view of the store, and the actors of its roles, each of which is a file of its own (`*-role.ts`). */
export class RunningHost {
  readonly #options: HostOptions;
  readonly #connection: NatsConnection;
  #control: ControlSecrets;
  readonly #host: Host;
  readonly #follower: Follower;
  readonly #context: RoleContext;
  /** Whether a part of the store had to be done without at the start. */
  readonly #damaged: boolean;
  readonly #pools: ObservedPool[] = [];
  /** Of the host that has the store. */
  #condition: StoreCondition | undefined;
  #gateway: Gateway | undefined;
  #closeDoorByNats: (() => Promise<void>) | undefined;
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #givenUp = Promise.withResolvers<string>();

  private constructor(options: HostOptions, peers: PortTransport, log: Logger, connection: NatsConnection, opened: OpenedStore) {
    const { plan } = options;
    this.#options = options;
    this.#connection = connection;
    this.#control = options.control;
    this.#damaged = opened.damaged;
    const membership = joinMembers(options, connection, { clock, random, log }, () =>
      this.#givenUp.resolve("it was silent for longer than its lease, and the other hosts have removed it"),
    );
    const probe = watchEventLoop();
    this.#closers.push(async () => probe.stop());
    this.#host = new Host({
      name: plan.name,
      clock,
      random,
      log,
      membership,
      transport: peers.beside(natsTransport({ connection, prefix: SUBJECT_PREFIX, host: plan.name })),
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
    const { journal, replica: view } = opened;
    this.#follower = follow({ log: journal, replica: view, clock, logger: log, besideWriter: this.#has("store") });
    const { messenger } = this.#host;
    const beneath = {
      options,
      log,
      messenger,
      control: () => this.#control,
      atStop: (close: () => Promise<void>) => {
        this.#closers.push(close);
      },
    };
    this.#context = {
      ...beneath,
      ...hostGround({ view, clock, random }, beneath),
      membership,
      offer: (kinds) => {
        for (const kind of kinds) this.#host.register(kind);
      },
      keep: (residents) => {
        const end = keepResidents(messenger, membership.directory, plan.name, residents);
        this.#closers.push(async () => end());
      },
    };
    if (this.#has("store")) this.#condition = offerStore(this.#context, opened);
  }

  /** Connects, opens the log and reads it to its end. Throws BootFailure. */
  static async start(options: HostOptions, peers: PortTransport): Promise<RunningHost> {
    const log = withFields(pinoLogger({ level: options.logLevel }), { host: options.plan.name });
    const connection = await firstConnection({
      ...connectionOptions(options.nats),
      name: options.plan.name,
    }).catch((error: Error) => {
      throw new BootFailure(
        `cannot connect to NATS at ${options.nats.servers.join(", ")} (${error.message}); start it, or leave --nats out to have one brought along`,
      );
    });
    const store = await openStore(options, connection, log);
    const host = new RunningHost(options, peers, log, connection, store);
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
    const context = this.#context;
    await context.membership.sees(this.#options.plans.map(({ name }) => name));
    if (this.#damaged) this.#tellDamage();
    const definitions = followDefinitions(context.ground.view, context.ground.kinds);
    context.atStop(async () => definitions.cancel());
    if (this.#has("store")) await beginStore(context);
    // What the user may have to mend, a port that is taken, comes to light before anything acts.
    const port = this.#has("gateway") ? await this.#beginGateway() : undefined;
    if (this.#has("scheduler")) this.#pools.push(beginScheduler(context));
    if (this.#has("controllers")) await beginControllers(context);
    const { ready: nodes, cautions } = this.#has("nodes") ? await beginNodes(context) : { ready: undefined, cautions: [] };
    return { ...(port === undefined ? {} : { port }), ...(nodes === undefined ? {} : { nodes }), cautions };
  }

  async #beginGateway(): Promise<number> {
    this.#gateway = await openGateway(this.#context);
    const port = await listen(this.#context, this.#gateway);
    this.#closeDoorByNats = await openDoorByNats(this.#context, this.#gateway);
    return port;
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
    this.#control = control;
    this.#gateway?.renew(control.tls);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#closeDoorByNats?.(), this.#gateway?.close(GATEWAY_DRAIN_MS)]);
    await this.#host.stop();
    for (const close of this.#closers) await close();
    this.#follower.stop();
    await this.#connection.close();
  }

  /** Whoever takes snapshots is to put in a good place what is in a damaged one. */
  #tellDamage(): void {
    this.#host.messenger.tell<SnapshotterMessage>(SNAPSHOTTER_ADDRESS, { type: "damaged", snapshot: undefined });
  }

  #has(role: Role): boolean {
    return this.#options.plan.roles.includes(role);
  }
}

const clock = systemClock();
const random = systemRandom();
