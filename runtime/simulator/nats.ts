import type { WireConnection, WireMessage } from "../nats-transport.ts";
import type { Random } from "../time.ts";
import type { Happening, Life, Loss } from "./happening.ts";
import type { Owner, Schedule, Step } from "./schedule.ts";

/** One way between a client and the server: at least, and how much more it usually takes. */
const HOP_MS = 0.05;
const HOP_SPREAD_MS = 0.4;

/** Now and then a packet takes up to this long (a retransmission, a garbage collection). */
const HICCUP_ONE_IN = 200;
const HICCUP_MS_MAX = 300;

/** One message in so many comes a second time, up to so much later: NATS itself does that only while clusters of servers change their routes. */
const TWICE_ONE_IN = 200;
const TWICE_MS_MAX = 100;

/** A client that lost its connection has a new one this soon after the server can be reached, at the latest. */
const RECONNECT_MS_MAX = 150;

/** Far less than a nats-server allows, so that a few messages are enough for frames to be split or refused. */
const PAYLOAD_MAX_BYTES = 8_192;

/** What NATS answers when nobody is subscribed. */
const NO_RESPONDERS = { code: 503 };
const NOTHING = new Uint8Array();

interface Subscription {
  readonly connection: Connection;
  readonly subject: string;
  readonly prefix: string | undefined;
  readonly callback: (error: Error | null, message: WireMessage) => void;
}

/** The conditions under which one host reaches the server. */
interface Link {
  up: boolean;
  slow_ms: number;
}

/**
 * A NATS server as its clients see it, on a schedule: what one client publishes reaches each other in order, and that is all it promises.
 * Clients are far apart and the way is as bad as the faults make it.
 */
export class SimulatedNats {
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #happened: (happening: Happening) => void;
  readonly #links = new Map<string, Link>();
  readonly #cuts = new Map<string, number>();
  readonly #connections = new Set<Connection>();
  /** What the server knows of; a connection that broke unnoticed is still among them. */
  readonly #subscriptions = new Set<Subscription>();

  constructor(schedule: Schedule, random: Random, happened: (happening: Happening) => void) {
    this.#schedule = schedule;
    this.#random = random;
    this.#happened = happened;
  }

  connect(owner: Owner & Life, payloadMax_bytes: number = PAYLOAD_MAX_BYTES): Connection {
    const connection = new Connection(this, owner, payloadMax_bytes);
    this.#connections.add(connection);
    return connection;
  }

  link(host: string): Readonly<Link> {
    return this.#link(host);
  }

  /** Adds to the time that a hop to or from this host takes. */
  slow(host: string, by_ms: number): void {
    this.#link(host).slow_ms += by_ms;
  }

  /** Drops, from now on or no more, what `from` sends to `to`; as often no more as before. */
  cut(from: string, to: string, more: 1 | -1): void {
    const pair = `${from} ${to}`;
    this.#cuts.set(pair, (this.#cuts.get(pair) ?? 0) + more);
  }

  isCut(from: string, to: string): boolean {
    return (this.#cuts.get(`${from} ${to}`) ?? 0) > 0;
  }

  /** The server is gone: every connection breaks. */
  outage(hosts: readonly string[], clients_notice_ms: number): void {
    for (const host of hosts) this.break(host, clients_notice_ms, 0, "server away");
  }

  /** The connections of a host break. The client and the server notice after their times, or when the host can reach the server again. */
  break(host: string, client_notices_ms: number, server_notices_ms: number, why?: "server away"): void {
    this.#link(host).up = false;
    for (const connection of this.#connections) {
      if (connection.owner.host !== host || !connection.attached) continue;
      connection.attached = false;
      connection.broken = why;
      connection.client = this.#schedule.after(client_notices_ms, connection.owner, () => connection.noticeLoss());
      connection.server = this.#schedule.after(server_notices_ms, undefined, () => this.#forget(connection));
    }
  }

  mend(host: string): void {
    this.#link(host).up = true;
    for (const connection of this.#connections) {
      if (connection.owner.host !== host || connection.attached) continue;
      this.#schedule.after(0, connection.owner, () => connection.noticeLoss());
      this.#schedule.after(this.#random.next() * RECONNECT_MS_MAX, connection.owner, () => this.#reconnect(connection));
    }
  }

  /** The client of this connection is gone for good; the server notices after a while. */
  ended(connection: Connection, noticed_ms: number): void {
    this.#connections.delete(connection);
    this.#schedule.after(noticed_ms, undefined, () => this.#forget(connection));
  }

  /** The time of one way between a host and the server. */
  hop_ms(host: string): number {
    const hiccup_ms = this.#random.below(HICCUP_ONE_IN) === 0 ? this.#random.next() * HICCUP_MS_MAX : 0;
    return HOP_MS + this.#random.next() * HOP_SPREAD_MS + hiccup_ms + this.#link(host).slow_ms;
  }

  subscribe(subscription: Subscription): void {
    const { connection } = subscription;
    this.#atServer(connection, () => this.#subscriptions.add(subscription));
  }

  unsubscribe(subscription: Subscription): void {
    this.#atServer(subscription.connection, () => this.#subscriptions.delete(subscription));
  }

  publish(connection: Connection, subject: string, bytes: Uint8Array, reply: string): void {
    const { host } = connection.owner;
    if (!connection.attached) {
      this.#lost(host, subject, bytes, connection.broken ?? "sender not connected");
      return;
    }
    this.#atServer(
      connection,
      () => this.#route(connection, subject, bytes, reply),
      () => this.#lost(host, subject, bytes, connection.broken ?? "sender not connected"),
    );
  }

  /** Resolves, at the client, when the server has taken all that was sent before. */
  roundTrip(connection: Connection): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#atServer(
        connection,
        () => this.#toClient(connection, connection, resolve),
        () => reject(new Error("connection lost")),
      );
    });
  }

  /** Does `then` when what this connection sends now reaches the server, in the order of sending; `lost` when the connection breaks before. */
  #atServer(connection: Connection, then: () => void, lost: () => void = () => undefined): void {
    const { generation } = connection;
    connection.sent_ms = Math.max(connection.sent_ms, this.#schedule.now_ms + this.hop_ms(connection.owner.host));
    this.#schedule.at(connection.sent_ms, undefined, () => {
      if (connection.attached && connection.generation === generation) then();
      else lost();
    });
  }

  #route(from: Connection, subject: string, bytes: Uint8Array, reply: string): void {
    let heard = false;
    for (const subscription of this.#subscriptions) {
      if (!matches(subscription, subject)) continue;
      heard = true;
      this.#deliver(from, subscription, { subject, data: bytes });
    }
    if (heard) return;
    this.#lost(from.owner.host, subject, bytes, "nobody listens");
    for (const subscription of this.#subscriptions) {
      if (subscription.connection !== from || !matches(subscription, reply)) continue;
      this.#toClient(from, from, () => subscription.callback(null, { subject: reply, data: NOTHING, headers: NO_RESPONDERS }));
    }
  }

  #deliver(from: Connection, { connection, callback }: Subscription, message: WireMessage): void {
    const { owner } = connection;
    const lost = (why: Loss): void => this.#lost(from.owner.host, message.subject, message.data, why);
    if (this.isCut(from.owner.host, owner.host)) {
      lost("partition");
      return;
    }
    const { generation } = connection;
    const arrives = (): void => {
      if (!connection.attached || connection.generation !== generation) {
        lost(connection.broken ?? "receiver not connected");
        return;
      }
      this.#happened({ what: "frame arrives", from: from.owner.host, to: { host: owner.host, life: owner.life }, bytes: message.data });
      callback(null, message);
    };
    const due_ms = this.#toClient(from, connection, arrives, () => lost("receiver ended"));
    if (this.#random.below(TWICE_ONE_IN) === 0) this.#schedule.at(due_ms + this.#random.next() * TWICE_MS_MAX, owner, arrives);
  }

  /** Does `then` at the client when what the server sends now arrives there, in order with all that came from the same client before. */
  #toClient(from: Connection, to: Connection, then: () => void, ended?: () => void): number {
    const due_ms = Math.max(to.received_ms.get(from) ?? 0, this.#schedule.now_ms + this.hop_ms(to.owner.host));
    to.received_ms.set(from, due_ms);
    this.#schedule.at(due_ms, to.owner, then, ended);
    return due_ms;
  }

  #reconnect(connection: Connection): void {
    if (!this.#link(connection.owner.host).up || connection.attached) return;
    this.#forget(connection);
    connection.attached = true;
    connection.generation += 1;
    for (const subscription of connection.subscriptions) this.subscribe(subscription);
    connection.say("reconnect");
  }

  #forget(connection: Connection): void {
    connection.server.cancelled = true;
    for (const subscription of this.#subscriptions) if (subscription.connection === connection) this.#subscriptions.delete(subscription);
  }

  #link(host: string): Link {
    const link = this.#links.get(host) ?? { up: true, slow_ms: 0 };
    this.#links.set(host, link);
    return link;
  }

  #lost(from: string, to: string, bytes: Uint8Array, why: Loss): void {
    this.#happened({ what: "frame lost", from, to, bytes, why });
  }
}

/** One host's connection, as its transport sees it. */
export class Connection implements WireConnection {
  readonly info: { readonly max_payload: number };
  readonly owner: Owner & Life;
  readonly subscriptions: Set<Subscription> = new Set();
  /** When what came last from each client arrives here, and what was sent last at the server. */
  readonly received_ms: WeakMap<Connection, number> = new WeakMap();
  sent_ms = 0;
  /** Both ends are there. */
  attached = true;
  /** Why it broke last, when that is not the way to this host alone. */
  broken: "server away" | undefined = undefined;
  /** Counts the times that it was made anew; what was on its way in an earlier one is lost. */
  generation = 0;
  client: Step = NEVER;
  server: Step = NEVER;
  readonly #nats: SimulatedNats;
  #statuses: string[] = [];
  #wake: (() => void) | undefined;
  #told = false;

  constructor(nats: SimulatedNats, owner: Owner & Life, max_payload: number) {
    this.info = { max_payload };
    this.#nats = nats;
    this.owner = owner;
  }

  isClosed(): boolean {
    return !this.owner.alive;
  }

  publish(subject: string, bytes: Uint8Array, options: { reply: string }): void {
    this.#nats.publish(this, subject, bytes, options.reply);
  }

  subscribe(subject: string, options: { callback(error: Error | null, message: WireMessage): void }): { unsubscribe(): void } {
    const prefix = subject.endsWith(".*") ? subject.slice(0, -1) : undefined;
    const subscription: Subscription = { connection: this, subject, prefix, callback: options.callback };
    this.subscriptions.add(subscription);
    this.#nats.subscribe(subscription);
    return {
      unsubscribe: () => {
        this.subscriptions.delete(subscription);
        this.#nats.unsubscribe(subscription);
      },
    };
  }

  flush(): Promise<void> {
    return this.#nats.roundTrip(this);
  }

  async *status(): AsyncGenerator<{ readonly type: string }> {
    for (;;) {
      for (const type of this.#statuses.splice(0)) yield { type };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The client sees that its connection is gone, unless it has a new one by now. */
  noticeLoss(): void {
    this.client.cancelled = true;
    if (this.attached || this.#told) return;
    this.#told = true;
    this.say("disconnect");
  }

  say(type: string): void {
    if (type === "reconnect") this.#told = false;
    this.#statuses.push(type);
    this.#wake?.();
  }
}

const NEVER: Step = {
  due_ms: Number.POSITIVE_INFINITY,
  order: 0,
  owner: undefined,
  fire: () => undefined,
  dropped: undefined,
  cancelled: true,
};

function matches(subscription: Subscription, subject: string): boolean {
  const { prefix } = subscription;
  if (prefix === undefined) return subscription.subject === subject;
  return subject.startsWith(prefix) && !subject.includes(".", prefix.length);
}
