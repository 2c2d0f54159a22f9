import { headers, type MsgHdrs, type NatsConnection, type Service, type ServiceMsg } from "nats";
import { internalError, serviceUnavailable, timeout } from "../../actors/kinds/errors.ts";
import { durationMs } from "../../actors/kinds/machinery/duration.ts";
import type { View } from "../../actors/store/view.ts";
import { type Clock, DeadlineWheel, type Logger } from "../../runtime/mod.ts";
import { negotiate, PLAIN_JSON } from "../gateway/accept.ts";
import type { Answer } from "../gateway/answer.ts";
import { includedObject } from "../gateway/dispatch.ts";
import { failureAnswer } from "../gateway/failures.ts";
import { RETRY_AFTER_S } from "../gateway/in-flight.ts";
import type { Reception } from "../gateway/reception.ts";
import { isTrue, type RequestInfo } from "../gateway/route.ts";
import { REQUEST_INFO } from "../nats/credentials.ts";
import { REQUESTS } from "../nats/subjects.ts";
import { type Asked, askedBy, type PreferredVersion, VERBS, type Verb } from "./asked.ts";
import { Askers } from "./askers.ts";
import { BATCH_TYPE, isBatch, itemsOf, joined } from "./batch.ts";
import { MessageExchange, type Sent } from "./message-exchange.ts";
import { inJson, isMessagePack } from "./message-pack.ts";
import { PLAIN_FORM, type Reply, type ReplyForm, replyOf } from "./reply.ts";

/** Of the subjects, headers and bodies of this API; a first number that grows means that clients have to be changed. */
export const CONTRACT = "1.0.0";
/** Whoever has the door takes its share. */
const QUEUE = "troupe";
/** Nobody is kept waiting for longer. Source: apiserver's --request-timeout. */
const REQUEST_DEADLINE_MS = 60_000;
const FAILURE_MIN = 400;
/** What tools show of an endpoint. */
const FACTS = { request: "JSON or MessagePack by Content-Type", answer: "JSON or MessagePack by Accept; errors are a Status" };
const BATCH_HEADERS: MsgHdrs = headers();
BATCH_HEADERS.append("Content-Type", BATCH_TYPE);
const NOTHING_TOLD: ReadonlyMap<string, string> = new Map();
/** Room in a message beside its body. */
const HEADERS_BYTES = 8 * 1024;

export interface NatsApiOptions {
  /** In the account of the hosts; its own, so that clients and the log do not wait for one another. */
  readonly connection: NatsConnection;
  readonly reception: Reception;
  readonly preferred: PreferredVersion;
  /** Resolves when what those who listen want to hear is published from then on. */
  readonly published: () => Promise<void>;
  readonly view: View;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What became of the requests of one verb. */
interface Counts {
  answered: number;
  failed: number;
  took_ms: number;
}

/**
 * The API by NATS: a service of NATS' micro protocol (`nats micro ls`), with an endpoint for each verb. A message becomes the request that HTTPS would have
 * brought, and goes through the same reception.
 */
export class NatsApi {
  readonly #options: NatsApiOptions;
  readonly #askers = new Askers();
  readonly #deadlines: DeadlineWheel;
  readonly #counts: Readonly<Record<Verb, Counts>>;
  readonly #service: Service;

  private constructor(options: NatsApiOptions, service: Service, counts: Readonly<Record<Verb, Counts>>) {
    this.#options = options;
    this.#deadlines = new DeadlineWheel(options.clock);
    this.#service = service;
    this.#counts = counts;
    const group = service.addGroup(REQUESTS);
    for (const verb of VERBS) {
      group.addEndpoint(verb, { subject: `${verb}.>`, handler: (_error, message) => this.#take(verb, message), metadata: FACTS });
    }
  }

  static async start(options: NatsApiOptions): Promise<NatsApi> {
    const counts = countsOfVerbs();
    const service = await options.connection.services.add({
      name: "troupe",
      version: CONTRACT,
      description: "The Kubernetes API of a Troupe, by subjects",
      queue: QUEUE,
      metadata: { kubernetes: "1.34", events: "troupe.watch.<group>.<resource>.<namespace>.<name>" },
      // What the library counts itself ends when a handler has returned, which is before there is an answer.
      statsHandler: async ({ subject }) => {
        const { answered, failed, took_ms } = counts[subject.slice(REQUESTS.length + 1, -2) as Verb];
        return { answered, failed, average_ms: answered === 0 ? 0 : took_ms / answered };
      },
    });
    const api = new NatsApi(options, service, counts);
    await options.connection.flush();
    return api;
  }

  /** Takes no more requests; those under way are answered. */
  async close(): Promise<void> {
    await this.#service.stop();
    this.#deadlines.clear();
  }

  #take(verb: Verb, message: ServiceMsg): void {
    const { preferred } = this.#options;
    const begun_ms = this.#options.clock.monotonic_ms();
    const { data, headers: given } = message;
    try {
      const asked = askedBy(message.subject, given, preferred);
      const requestInfo = given?.last(REQUEST_INFO) || undefined;
      if (isBatch(asked)) this.#serveBatch(verb, asked, { data, requestInfo }, message, begun_ms);
      else this.#serve(asked, { data, requestInfo }, (reply) => this.#answer(verb, message, reply, begun_ms));
    } catch (error) {
      // What the message says makes no sense: there is nothing that access could be decided about.
      this.#answer(verb, message, this.#refusal(error, message.subject), begun_ms);
    }
  }

  /** Each request by itself, the answers together when there are all. */
  #serveBatch(verb: Verb, asked: Asked, { data, requestInfo }: Sent, message: ServiceMsg, begun_ms: number): void {
    const items = itemsOf(asked, data);
    const replies: Reply[] = [];
    let left = items.length;
    for (const [at, item] of items.entries()) {
      this.#serve(item.asked, { data: item.data, requestInfo }, (reply) => {
        replies[at] = reply;
        left -= 1;
        if (left > 0) return;
        this.#answer(verb, message, { code: 200, data: joined(replies, this.#bytesMax), headers: BATCH_HEADERS }, begun_ms);
      });
    }
  }

  #serve(asked: Asked, sent: Sent, done: (reply: Reply) => void): void {
    this.#receive(asked, sent, done).catch((error: unknown) =>
      this.#options.log.error({ error, path: asked.info.path }, "a request by NATS could not be answered"),
    );
  }

  /** Answers once. */
  async #receive(asked: Asked, sent: Sent, done: (reply: Reply) => void): Promise<void> {
    const { reception, published, view, clock, log } = this.#options;
    const { info } = asked;
    const ofObjects = info.type === "resource" ? info : undefined;
    const accept = asked.headers.accept;
    const format = negotiate(accept === undefined ? undefined : inJson(accept));
    const form = (): ReplyForm => ({
      format: format ?? PLAIN_JSON,
      includeObject: includedObject(info),
      pretty: isTrue(info.query.get("pretty")),
      jsonEnd: "",
      messagePack: isMessagePack(accept),
      bytesMax: this.#bytesMax,
    });
    const answer = (given: Answer): void => {
      if (exchange.gone) return;
      this.#deadlines.remove(exchange);
      const reply = replyOf(given, form(), exchange.told, view, clock.now_ms(), ofObjects);
      exchange.code = reply.code;
      exchange.end();
      done(reply);
    };
    const exchange = new MessageExchange(asked, sent, this.#askers, () =>
      answer(failureAnswer(timeout("request did not complete within the allotted timeout", 0), log, info.path)),
    );
    this.#deadlines.add(exchange, deadlineOf(info));
    // Before it is looked what there is: whatever comes after that is published.
    if (ofObjects?.verb === "watch") {
      try {
        await published();
      } catch {
        answer(failureAnswer(serviceUnavailable("the NATS server does not say who listens", RETRY_AFTER_S), log, info.path));
        return;
      }
    }
    await reception.receive(exchange, info, format, answer);
    if (!exchange.gone) answer(failureAnswer(internalError("there is no answer; the server's log says more"), log, info.path));
  }

  /** Of a body; the server says it of the whole. */
  get #bytesMax(): number {
    return (this.#options.connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - HEADERS_BYTES;
  }

  #refusal(error: unknown, subject: string): Reply {
    const { log, view } = this.#options;
    return replyOf(failureAnswer(error, log, subject), PLAIN_FORM, NOTHING_TOLD, view, 0);
  }

  #answer(verb: Verb, message: ServiceMsg, { code, data, headers }: Reply, begun_ms: number): void {
    const counts = this.#counts[verb];
    counts.answered += 1;
    if (code >= FAILURE_MIN) counts.failed += 1;
    counts.took_ms += this.#options.clock.monotonic_ms() - begun_ms;
    message.respond(data, headers === undefined ? undefined : { headers });
  }
}

/** How long a request may take: as it says itself (`timeout: 5s`), if that is not too long. */
function deadlineOf({ query }: RequestInfo): number {
  const asked_ms = query.size === 0 ? undefined : durationMs(query.get("timeout") ?? "");
  return Math.min(asked_ms || REQUEST_DEADLINE_MS, REQUEST_DEADLINE_MS);
}

function countsOfVerbs(): Record<Verb, Counts> {
  return Object.fromEntries(VERBS.map((verb) => [verb, { answered: 0, failed: 0, took_ms: 0 }])) as Record<Verb, Counts>;
}
