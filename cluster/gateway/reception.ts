import { notAcceptable } from "../../actors/kinds/errors.ts";
import { StatusError } from "../../actors/kinds/status.ts";
import { NoIdentity } from "../access/authentication/impersonation.ts";
import { type Attributes, onResource } from "../access/authorization/attributes.ts";
import type { Decision } from "../access/authorization/authorizer.ts";
import { refusal } from "../access/authorization/refusal.ts";
import type { Identity } from "../access/identity.ts";
import type { Aggregation } from "../aggregation/aggregation.ts";
import type { Family } from "../observation/families.ts";
import type { Format } from "./accept.ts";
import { PLAIN_JSON, TEXT_ANSWER_TYPES } from "./accept.ts";
import type { Answer } from "./answer.ts";
import { recordAnswer } from "./audited.ts";
import { BodyAborted } from "./body.ts";
import type { GatewayContext } from "./context.ts";
import { untilNewest } from "./context.ts";
import { answerResource } from "./dispatch.ts";
import { connectionOf, type Exchange } from "./exchange.ts";
import { failureAnswer } from "./failures.ts";
import { dumpOf } from "./fairness/dump.ts";
import type { Classified } from "./fairness/fairness.ts";
import { Fairness } from "./fairness/fairness.ts";
import type { Seat } from "./fairness/priority-level.ts";
import { gauges } from "./gauges.ts";
import type { Lane } from "./in-flight.ts";
import { InFlight, tooMany } from "./in-flight.ts";
import { RequestMetrics } from "./metrics.ts";
import { unacceptable } from "./pages.ts";
import type { Dump, PageRequest, RequestInfo } from "./route.ts";
import { refuseUnfitting } from "./unfitting-view.ts";
import { Watches } from "./watches.ts";

/** The group of roles and bindings. */
const RBAC = "rbac.authorization.k8s.io";

export interface ReceptionOptions extends GatewayContext {
  /** The package version of this program. */
  readonly version: string;
  /** What others serve behind APIServices; without it there is nobody. */
  readonly aggregation?: Aggregation;
}

/** Answers what is not about objects. `format` is undefined where none of those that the client accepts can be served. */
export type AnswerPage = (info: PageRequest, format: Format | undefined, exchange: Exchange, identity: Identity) => Promise<Answer>;

/** Hands an answer to whoever asked; `told` are headers of every answer, as names and values in turn. */
export type Print = (answer: Answer, told: readonly string[]) => void | Promise<void>;

/**
 * What every request goes through, by whichever door of this host it came: who is it, may they, is there room, what do they want. It is counted, and recorded
 * for the audit, here and nowhere else.
 */
export class Reception {
  readonly #context: ReceptionOptions;
  readonly #answerPage: AnswerPage;
  readonly #watches: Watches;
  readonly #inFlight = new InFlight();
  readonly #fairness: Fairness;
  readonly #metrics = new RequestMetrics();

  constructor(context: ReceptionOptions, answerPage: AnswerPage) {
    this.#context = context;
    this.#answerPage = answerPage;
    this.#fairness = new Fairness(context.view, context.clock);
    this.#watches = new Watches(context);
  }

  /** Answers a request, whatever happens; `format` as for pages. */
  async receive(exchange: Exchange, info: RequestInfo, format: Format | undefined, print: Print): Promise<void> {
    const { clock, log } = this.#context;
    const started_ms = clock.monotonic_ms();
    const lane = laneOf(info);
    const entered = lane === undefined || this.#inFlight.enter(lane);
    const turn: Turn = { entered, flow: undefined, seat: undefined };
    try {
      const answer = await this.#guarded(exchange, info, format, turn);
      if (answer !== undefined) {
        const printing = print(answer, turn.flow?.headers ?? []);
        if (printing !== undefined) await printing;
      }
      this.#record(exchange, answer);
      if (answer === undefined) return;
      const duration_ms = answer.type === "taken" ? undefined : clock.monotonic_ms() - started_ms;
      this.#metrics.count(info, exchange.code, duration_ms);
    } catch (error) {
      // A failure while printing: the head is out already, so all that is left is to cut the answer short.
      log.error({ error, path: info.path }, "an answer could not be printed");
      exchange.abandon();
    } finally {
      turn.seat?.leave();
      if (entered && lane !== undefined) this.#inFlight.leave(lane);
    }
  }

  /** Ends watches and whoever waits for a turn. */
  close(): void {
    this.#watches.endAll();
    this.#fairness.close();
  }

  families(): readonly Family[] {
    const { view, kinds, version, auditor } = this.#context;
    return [
      ...this.#metrics.families(),
      ...this.#fairness.families(),
      ...gauges({ inFlight: this.#inFlight, watches: this.#watches.count, view, kinds, version }),
      ...(auditor?.families() ?? []),
    ];
  }

  dump(dump: Dump): string {
    return dumpOf(dump, this.#fairness.levels, this.#context.clock);
  }

  #record(exchange: Exchange, answer: Answer | undefined): void {
    const { auditor, view, clock } = this.#context;
    const audited = auditor?.of(exchange);
    if (audited !== undefined) recordAnswer(audited, answer, exchange, view, clock.now_ms());
  }

  /** The answer, whatever happens; undefined when the client has gone. */
  async #guarded(exchange: Exchange, info: RequestInfo, format: Format | undefined, turn: Turn): Promise<Answer | undefined> {
    try {
      const admitted = this.#admitted(exchange, info);
      const identity = admitted instanceof Promise ? await admitted : admitted;
      if (!turn.entered) return tooMany();
      if (!isConnection(info)) {
        turn.flow = this.#fairness.classify(identity, info);
        const seat = this.#fairness.enter(turn.flow, info);
        turn.seat = seat instanceof Promise ? await seat : seat;
        if (turn.seat === undefined) return tooMany(this.#fairness.refuse(turn.flow));
        // Its client may have gone while it waited.
        if (exchange.gone) return undefined;
        if (info.type === "resource" && info.verb === "watch") exchange.onceGone(this.#fairness.watches.add(info));
      }
      const remote = this.#context.aggregation?.find(info);
      if (remote !== undefined) {
        const { request, response } = connectionOf(exchange);
        return await this.#context.aggregation?.serve(remote, request, response, identity);
      }
      const own = this.#context.aggregation?.own(info);
      if (own !== undefined) {
        if (format === undefined || format.encoding === "protobuf") throw notAcceptable(TEXT_ANSWER_TYPES);
        return await own(exchange.headers["if-none-match"]);
      }
      if (info.type === "page") return await this.#answerPage(info, format, exchange, identity);
      // Of what is passed on, the other side chooses the form.
      if (format === undefined && !isConnection(info)) throw unacceptable();
      const answer = await answerResource(this.#context, this.#watches, info, format ?? PLAIN_JSON, exchange, identity);
      refuseUnfitting(answer, format ?? PLAIN_JSON);
      // Whoever was told that access has changed finds it changed, at this door at least.
      if (info.group === RBAC && laneOf(info) === "mutating") await untilNewest(this.#context);
      return answer;
    } catch (error) {
      if (error instanceof BodyAborted) return undefined;
      if (error instanceof NoIdentity)
        return { type: "text", code: 500, text: `Internal Server Error: ${JSON.stringify(exchange.target)}: ${error.message}\n` };
      if (error instanceof StatusError && (error.status.code === 401 || error.status.code === 403))
        this.#context.log.info({ path: info.path, from: exchange.remoteAddress, refused: error.status.message }, "refused");
      return failureAnswer(error, this.#context.log, info.path);
    }
  }

  /** Whom the request is made as, when they may make it; a promise only where somebody has to be asked. Throws 401 and 403. */
  #admitted(exchange: Exchange, info: RequestInfo): Identity | Promise<Identity> {
    const asker = this.#asker(exchange, info);
    return asker instanceof Promise ? asker.then((known) => this.#allowed(exchange, info, known)) : this.#allowed(exchange, info, asker);
  }

  #allowed(exchange: Exchange, info: RequestInfo, asker: Identity): Identity | Promise<Identity> {
    const { access, auditor } = this.#context;
    auditor?.received(exchange, info, asker);
    const audited = auditor?.of(exchange);
    // The page by which people come in holds nothing of the cluster.
    if (info.type === "page" && info.page.page === "console" && info.method === "get") return asker;
    const asks = decidedBy(info);
    const decidedFrom = (at: number, identity: Identity): Identity | Promise<Identity> => {
      for (let next = at; next < asks.length; next++) {
        const asked = asks[next] as Attributes;
        const decided = ({ allowed, reason }: Decision): void => {
          audited?.decided(asker === identity ? undefined : identity, allowed, reason);
          if (!allowed) throw refusal(identity, asked, reason);
        };
        const answer = access.authorizer.authorize(identity, asked);
        if (answer instanceof Promise) return answer.then(decided).then(() => decidedFrom(next + 1, identity));
        decided(answer);
      }
      return identity;
    };
    const decide = (): Identity | Promise<Identity> => {
      const acting = access.impersonation.act(asker, exchange.headers, exchange.rawHeaders);
      return acting instanceof Promise ? acting.then((identity) => decidedFrom(0, identity)) : decidedFrom(0, acting);
    };
    // What was granted a moment ago may not have arrived here.
    const decideOnNewest = async (error: unknown): Promise<Identity> => {
      if (!(error instanceof StatusError) || error.status.code !== 403) throw error;
      await access.newest();
      return decide();
    };
    try {
      const decision = decide();
      return decision instanceof Promise ? decision.catch(decideOnNewest) : decision;
    } catch (error) {
      return decideOnNewest(error);
    }
  }

  /** Who asks. Throws 401. */
  #asker(exchange: Exchange, info: RequestInfo): Identity | Promise<Identity> {
    const unknown = (error: unknown): never => {
      if (error instanceof StatusError) this.#context.auditor?.unknown(exchange, info, error.status.code);
      throw error;
    };
    try {
      const found = exchange.identify();
      return found instanceof Promise ? found.catch(unknown) : found;
    } catch (error) {
      return unknown(error);
    }
  }
}

/** What the map shows; whoever may watch all of these may see it. */
const ON_MAP: readonly Attributes[] = ["nodes", "pods"].flatMap((resource) =>
  ["list", "watch"].map((verb) => onResource({ verb, resource })),
);

/** What is said of a pod is of the pod, and of every node. */
function onWhy(query: URLSearchParams): readonly Attributes[] {
  const pod = { verb: "get", resource: "pods", namespace: query.get("namespace") ?? "", name: query.get("pod") ?? "" };
  return [onResource(pod), onResource({ verb: "list", resource: "nodes" })];
}

/** Whoever may create the pods, where it is told what there is: nodes, and the pods that would have to go. */
function onWhatIf(query: URLSearchParams): readonly Attributes[] {
  const pods = { verb: "create", resource: "pods", namespace: query.get("namespace") ?? "" };
  return [onResource(pods), onResource({ verb: "list", resource: "nodes" }), onResource({ verb: "list", resource: "pods" })];
}

/** What somebody must be allowed who asks for this. */
function decidedBy(info: RequestInfo): readonly Attributes[] {
  if (info.type !== "page") return [info];
  switch (info.page.page) {
    case "map":
      return ON_MAP;
    case "why":
      return onWhy(info.query);
    case "what-if":
      return onWhatIf(info.query);
    case "console-session":
      // It gives nobody anything that they have not shown to have.
      return [];
    default:
      return [info];
  }
}

/** A request among the others. */
interface Turn {
  /** Whether there was room for it at all. */
  readonly entered: boolean;
  flow: Classified | undefined;
  seat: Seat | undefined;
}

/** Which limit a request counts against; watches and connections against none. */
function laneOf(info: RequestInfo): Lane | undefined {
  if (info.type === "page") return "readonly";
  if (info.verb === "watch" || isConnection(info)) return undefined;
  return info.verb === "get" || info.verb === "list" ? "readonly" : "mutating";
}

/** What lasts as long as somebody reads, writes or types. Source: apiserver's BasicLongRunningRequestCheck. */
const CONNECTIONS: ReadonlySet<string> = new Set(["attach", "exec", "log", "portforward", "proxy"]);

function isConnection(info: RequestInfo): boolean {
  return info.type === "resource" && info.subresource !== "" && CONNECTIONS.has(info.subresource);
}
