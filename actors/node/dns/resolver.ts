import { type Answer, decode, encode, RECURSION_DESIRED } from "dns-packet";
import type { Clock, Random } from "../../../runtime/mod.ts";
import type { ClusterNames } from "./cluster-names.ts";
import { type Code, onWire, type Query, readQuery, type Via, writeReply } from "./message.ts";
import type { DnsRecord, Reply } from "./records.ts";
import type { Upstream } from "./upstream.ts";
import { answerOf } from "./zone.ts";

export interface ResolverOptions {
  readonly names: ClusterNames;
  /** Of the cluster. */
  readonly domain: string;
  /** The address at which this nameserver is known. */
  readonly nameserver: string;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly random: Random;
}

type Answered = Buffer | undefined | Promise<Buffer | undefined>;

const CODE_BITS = 0xf;
const NXDOMAIN = 3;
const TRUNCATED_BIT = 0x02;
const MS_PER_S = 1_000;
const SERIAL_BELOW: number = 2 ** 32;

/** Answers messages: of the cluster's names at once and by itself, of others as others do. */
export class Resolver {
  readonly #options: ResolverOptions;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** The answer to a message; undefined: none is due. */
  answer(message: Buffer, via: Via): Answered {
    const query = readQuery(message, via);
    if (query === undefined || Buffer.isBuffer(query)) return query;
    const { names, domain, nameserver, upstream, clock } = this.#options;
    if (upstream.isProbe(query.question.name)) return writeReply(query, { code: "REFUSED", isOwn: false });
    const serial = Math.floor(clock.now_ms() / MS_PER_S) % SERIAL_BELOW;
    const reply = answerOf(names, { domain, nameserver, serial }, query.question);
    if (reply === undefined) return this.#forwarded(query, via);
    return reply.leadsTo === undefined ? this.#write(query, reply) : this.#followed(query, reply, reply.leadsTo);
  }

  async #forwarded(query: Query, via: Via): Promise<Buffer> {
    return (await this.#options.upstream.forward(query.bytes, via)) ?? writeReply(query, { code: "SERVFAIL", isOwn: false });
  }

  /** The answer's own records, and what others say of the name that they lead to. */
  async #followed(query: Query, reply: Reply, target: string): Promise<Buffer> {
    const { upstream } = this.#options;
    // Types other than these lead nowhere.
    const asked = encode({ type: "query", flags: RECURSION_DESIRED, questions: [{ name: target, type: query.question.type as "A" }] });
    const short = await upstream.forward(asked, "udp");
    const isTruncated = short !== undefined && ((short[2] ?? 0) & TRUNCATED_BIT) !== 0;
    const answer = isTruncated ? await upstream.forward(asked, "tcp") : short;
    const said = answer === undefined ? undefined : readAnswer(answer);
    return said === undefined ? this.#write(query, reply, [], "SERVFAIL") : this.#write(query, reply, said.answers, said.code);
  }

  #write(query: Query, reply: Reply, more: readonly Answer[] = [], code: Code = reply.code): Buffer {
    const { domain } = this.#options;
    const wire = (record: DnsRecord): Answer => onWire(record, domain);
    return writeReply(query, {
      code,
      isOwn: reply.code !== "REFUSED",
      answers: [...this.#turned(reply.answers).map(wire), ...more],
      authority: reply.authority.map(wire),
      additional: reply.additional.map(wire),
    });
  }

  /** Most clients take the first address, so each gets another one first. */
  #turned(records: readonly DnsRecord[]): readonly DnsRecord[] {
    const first = records.findIndex(({ type }) => type === "A" || type === "AAAA");
    if (first < 0 || first === records.length - 1) return records;
    const addresses = records.slice(first);
    const at = this.#options.random.below(addresses.length);
    return [...records.slice(0, first), ...addresses.slice(at), ...addresses.slice(0, at)];
  }
}

/** What others said; undefined where it makes no sense, or they could not say. */
function readAnswer(message: Buffer): { readonly code: "NOERROR" | "NXDOMAIN"; readonly answers: readonly Answer[] } | undefined {
  const code = (message[3] ?? 0) & CODE_BITS;
  if (code !== 0 && code !== NXDOMAIN) return undefined;
  try {
    const { answers = [] } = decode(message);
    return { code: code === 0 ? "NOERROR" : "NXDOMAIN", answers };
  } catch {
    return undefined;
  }
}
