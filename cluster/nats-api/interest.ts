import type { NatsConnection } from "nats";
import { createUser } from "nkeys.js";
import type { Clock, Logger, Timer } from "../../runtime/mod.ts";
import { type NatsAccounts, seedOf } from "../nats/accounts.ts";
import { connectionOptions, type NatsAddress } from "../nats/address.ts";
import { credentialsText } from "../nats/claims.ts";
import { firstConnection } from "../nats/first-connection.ts";
import { watchPattern } from "../nats/subjects.ts";

/** While clients are connected, how often it is asked whether they have subscribed to something new. */
const LOOK_MS = 500;
/** After a question without an answer: the server has none for an account that nobody has used yet, and says by itself when somebody does. */
const LOOK_AGAIN_MS = 10_000;
/** Subscriptions to be told in one answer: all. The server goes over them in another order for each question, so that by pages some would be told twice and others not at all. */
const ALL = 2 ** 31;
const ANSWER_WAIT_MS = 2_000;

/** A server's account of the connections of one account; of its monitoring, https://docs.nats.io/running-a-nats-service/configuration/sys_accounts. */
interface Connections {
  /** Those of leaf nodes included. */
  readonly total_conns: number;
  readonly leafnodes: number;
}

interface Subscriptions {
  readonly data: {
    readonly subscriptions_list?: readonly { readonly subject: string }[];
    /** Since the server started: who gives up one subscription and makes another changes these and no other number. */
    readonly num_inserts: number;
    readonly num_removes: number;
  };
}

interface Leaves {
  readonly data: { readonly leafs?: readonly { readonly subscriptions_list?: readonly string[] }[] };
}

export interface InterestOptions {
  readonly accounts: NatsAccounts;
  readonly address: NatsAddress;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told whenever it is read what clients listen to: patterns of events, as tokens. */
  readonly changed: (patterns: readonly (readonly string[])[]) => void;
}

/**
 * What clients of NATS listen to, as the server knows it. The server says by itself when the first client comes and the last one goes: as long as there is none, hardly anything is
 * asked, and nothing has to be published.
 */
export class Interest {
  readonly #options: InterestOptions;
  readonly #connection: NatsConnection;
  #timer: Timer | undefined;
  /** What was read last: how often there was a subscription until then, and how often one went. */
  #changes: string | undefined;
  #leafNodes = 0;
  /** A reading that has not begun yet, for all who want one. */
  #reading: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: InterestOptions, connection: NatsConnection) {
    this.#options = options;
    this.#connection = connection;
  }

  static async open(options: InterestOptions): Promise<Interest> {
    const { accounts, address } = options;
    const user = createUser();
    const about = `ACCOUNT.${accounts.clients}`;
    const token = accounts.certify("system", {
      name: "door",
      publicKey: user.getPublicKey(),
      permissions: {
        publish: ["CONNS", "SUBSZ", "LEAFZ"].map((what) => `$SYS.REQ.${about}.${what}`),
        subscribe: ["_INBOX.>", `$SYS.${about}.SERVER.CONNS`],
      },
    });
    const { servers, ca } = address;
    const own: NatsAddress = { servers, credentials: credentialsText(token, seedOf(user)), ...(ca === undefined ? {} : { ca }) };
    const connection = await firstConnection({ ...connectionOptions(own), name: "door: interest" });
    const interest = new Interest(options, connection);
    connection.subscribe(`$SYS.${about}.SERVER.CONNS`, {
      callback: (error, message) => error === null && interest.#connected(message.json<Connections>()),
    });
    void interest.#followOutages();
    // Not waited for: of an account that no client has used yet the server says nothing at all.
    void interest.#look();
    return interest;
  }

  /** Resolves when what clients listened to when this was called has been told. Rejects when the server does not say. */
  refresh(): Promise<void> {
    this.#reading ??= this.#last
      .catch(() => undefined)
      .then(() => {
        this.#last = this.#read();
        this.#reading = undefined;
        return this.#last;
      });
    return this.#reading;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#connection.close();
  }

  /** Clients are gone while the server is; who comes back is counted anew. */
  async #followOutages(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === "disconnect") this.#connected({ total_conns: 0, leafnodes: 0 });
      if (type === "reconnect") void this.#look();
    }
  }

  #connected({ total_conns, leafnodes }: Connections): void {
    if (this.#closed) return;
    this.#leafNodes = leafnodes;
    if (total_conns === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
      this.#changes = undefined;
      this.#options.changed([]);
      return;
    }
    this.#readChanged().catch((error: unknown) => this.#unknown(error));
    this.#lookLater(LOOK_MS);
  }

  #lookLater(wait_ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(wait_ms, () => {
      this.#timer = undefined;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    try {
      this.#connected(await this.#ask<Connections>("CONNS", {}));
    } catch (error) {
      this.#unknown(error);
      // A client that is there may be heard of by this alone; one that came while nothing was answered is looked after already.
      if (!this.#closed && this.#timer === undefined) this.#lookLater(LOOK_AGAIN_MS);
    }
  }

  async #readChanged(): Promise<void> {
    const { data } = await this.#ask<Subscriptions>("SUBSZ", { subscriptions: true, limit: 1 });
    if (changesOf(data) !== this.#changes) await this.refresh();
  }

  async #read(): Promise<void> {
    const { data } = await this.#ask<Subscriptions>("SUBSZ", { subscriptions: true, limit: ALL });
    const subjects = (data.subscriptions_list ?? []).map(({ subject }) => subject);
    // Those of leaf nodes are not among them.
    if (this.#leafNodes > 0) {
      const leaves = await this.#ask<Leaves>("LEAFZ", { subscriptions: true });
      for (const { subscriptions_list } of leaves.data.leafs ?? []) {
        for (const subject of subscriptions_list ?? []) subjects.push(subject);
      }
    }
    const patterns = subjects.flatMap((subject) => {
      const pattern = watchPattern(subject);
      return pattern === undefined ? [] : [pattern];
    });
    if (this.#closed) return;
    this.#changes = changesOf(data);
    this.#options.changed(patterns);
  }

  async #ask<T>(what: string, question: object): Promise<T> {
    const subject = `$SYS.REQ.ACCOUNT.${this.#options.accounts.clients}.${what}`;
    return (await this.#connection.request(subject, JSON.stringify(question), { timeout: ANSWER_WAIT_MS })).json<T>();
  }

  #unknown(error: unknown): void {
    if (!this.#closed) this.#options.log.debug({ error: String(error) }, "the NATS server did not say what clients listen to");
  }
}

function changesOf({ num_inserts, num_removes }: Subscriptions["data"]): string {
  return `${num_inserts} ${num_removes}`;
}
