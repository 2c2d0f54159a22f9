import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  encodingLength,
  type OptAnswer,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import type { DnsRecord, Question } from "./records.ts";

/** What a message over TCP may have; over UDP what the asker says, between these. Source: RFC 1035 and RFC 6891. */
const TCP_BYTES_MAX = 65_535;
const UDP_BYTES_MIN = 512;
const UDP_BYTES_MAX = 4_096;
/** What we take by UDP: no more than a path takes in one piece. */
const OWN_UDP_BYTES = 1_232;
const HEADER_BYTES = 12;
const RESPONSE_BIT = 0x80;
const OPCODE_BITS = 0x78;
/** After the name of a question: its type and class. */
const QUESTION_TAIL_BYTES = 4;

export const CODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;
export type Code = keyof typeof CODES;
export type Via = "udp" | "tcp";

/** A question that can be answered. */
export interface Query {
  readonly bytes: Buffer;
  readonly question: Question;
  /** The length of the answer at most. */
  readonly limit_bytes: number;
  readonly hasEdns: boolean;
}

/** A query, or what to answer in its place; undefined: there is nothing to answer. */
export function readQuery(bytes: Buffer, via: Via): Query | Buffer | undefined {
  // An answer to an answer would go on for ever.
  if (bytes.length < HEADER_BYTES || ((bytes[2] ?? 0) & RESPONSE_BIT) !== 0) return undefined;
  if (((bytes[2] ?? 0) & OPCODE_BITS) !== 0) return bare(bytes, "NOTIMP");
  try {
    const { questions = [], additionals = [] } = decode(bytes);
    const [asked] = questions;
    if (asked === undefined || questions.length > 1) return bare(bytes, "FORMERR");
    const edns = additionals.find((record): record is OptAnswer => record.type === "OPT");
    const udp_bytes = edns === undefined ? UDP_BYTES_MIN : Math.min(Math.max(edns.udpPayloadSize, UDP_BYTES_MIN), UDP_BYTES_MAX);
    const question: Question = { name: asked.name === "." ? "" : asked.name, type: asked.type };
    const query: Query = { bytes, question, limit_bytes: via === "tcp" ? TCP_BYTES_MAX : udp_bytes, hasEdns: edns !== undefined };
    // Bytes of a name that are no text would not come back as they were.
    if (!bytes.subarray(HEADER_BYTES).includes(encode({ questions: [asked] }).subarray(HEADER_BYTES))) return bare(bytes, "FORMERR");
    if ((edns?.ednsVersion ?? 0) > 0) return writeReply(query, { code: "BADVERS", isOwn: false });
    return asked.class === "IN" || asked.class === "ANY" ? query : writeReply(query, { code: "REFUSED", isOwn: false });
  } catch {
    return bare(bytes, "FORMERR");
  }
}

export interface Written {
  readonly code: Code;
  /** The names are our own. */
  readonly isOwn: boolean;
  readonly answers?: readonly Answer[];
  readonly authority?: readonly Answer[];
  readonly additional?: readonly Answer[];
}

/** The answer as it goes out. What does not fit is left out: first what was not asked for, then answers, and then it says so. */
export function writeReply(query: Query, { code, isOwn, answers = [], authority = [], additional = [] }: Written): Buffer {
  const { bytes, question, limit_bytes, hasEdns } = query;
  const desired = bytes.readUInt16BE(2) & RECURSION_DESIRED;
  const flags = desired | RECURSION_AVAILABLE | (isOwn ? AUTHORITATIVE_ANSWER : 0) | (CODES[code] & 0xf);
  const packet = (some: readonly Answer[], beside: readonly Answer[], more: number): Parameters<typeof encode>[0] => ({
    type: "response",
    id: bytes.readUInt16BE(0),
    flags: flags | more,
    // Types that have no name here are written as they are read.
    questions: [{ name: question.name === "" ? "." : question.name, type: question.type as "A", class: "IN" }],
    answers: [...some],
    authorities: [...authority],
    additionals: [...beside, ...(hasEdns ? [ednsOf(code)] : [])],
  });
  const whole = packet(answers, additional, 0);
  if (encodingLength(whole) <= limit_bytes) return encode(whole);
  const bareBones = packet([], [], 0);
  let left = limit_bytes - encodingLength(bareBones);
  const fitting = answers.filter((answer) => {
    left -= encodingLength({ answers: [answer] }) - HEADER_BYTES;
    return left >= 0;
  });
  return encode(packet(fitting, [], fitting.length < answers.length ? TRUNCATED_RESPONSE : 0));
}

function ednsOf(code: Code): Answer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: OWN_UDP_BYTES,
    extendedRcode: CODES[code] >> 4,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

/** Only a head: that of the query, with a code, and nothing after it. */
function bare(query: Buffer, code: Code): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt16BE(query.readUInt16BE(0), 0);
  head.writeUInt16BE((RESPONSE_BIT << 8) | (query.readUInt16BE(2) & ((OPCODE_BITS << 8) | RECURSION_DESIRED)) | CODES[code], 2);
  return head;
}

/** The bytes of a message from its first question to the end of that; undefined where there is none. */
export function questionBytes(message: Buffer): Buffer | undefined {
  let at = HEADER_BYTES;
  for (let length = message[at]; length !== undefined && length !== 0; length = message[at]) {
    // In the first question there is nothing before it to point to.
    if (length > 63) return undefined;
    at += length + 1;
  }
  const end = at + 1 + QUESTION_TAIL_BYTES;
  return end > message.length ? undefined : message.subarray(HEADER_BYTES, end);
}

/** Our records as the wire's library has them. */
export function onWire(record: DnsRecord, domain: string): Answer {
  const { name, ttl_s: ttl } = record;
  switch (record.type) {
    case "A":
    case "AAAA":
      return { type: record.type, name, ttl, data: record.address };
    case "CNAME":
    case "PTR":
    case "NS":
      return { type: record.type, name, ttl, data: record.target };
    case "TXT":
      return { type: "TXT", name, ttl, data: record.text };
    case "SRV":
      return {
        type: "SRV",
        name,
        ttl,
        data: { priority: record.priority, weight: record.weight, port: record.port, target: record.target },
      };
    case "SOA":
      return {
        type: "SOA",
        name,
        ttl,
        data: { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: record.serial, ...SOA_TIMES, minimum: ttl },
      };
  }
}

/** Seconds, as CoreDNS has them; nobody copies this zone. */
const SOA_TIMES = { refresh: 7_200, retry: 1_800, expire: 86_400 } as const;
