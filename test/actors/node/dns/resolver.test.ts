import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { type Answer, decode, encode, type Packet, RECURSION_DESIRED } from "dns-packet";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { Service } from "../../../../actors/kinds/generated/types.ts";
import type { ClusterNames } from "../../../../actors/node/dns/cluster-names.ts";
import { DnsDoor } from "../../../../actors/node/dns/dns-door.ts";
import { Resolver } from "../../../../actors/node/dns/resolver.ts";
import { framed, type Nameserver, Upstream } from "../../../../actors/node/dns/upstream.ts";
import { seededRandom, silentLogger, systemClock, virtualClock } from "../../../../runtime/mod.ts";

const MANY = 200;
const NAMES: ClusterNames = {
  hasNamespace: (name) => name === "d",
  service: (_namespace, name) => {
    const spec =
      name === "out" ? { type: "ExternalName", externalName: "www.example.com" } : { clusterIPs: [name === "many" ? "None" : "10.3.0.1"] };
    return { metadata: { name, namespace: "d", uid: "", creationTimestamp: "" }, spec } as Service;
  },
  slices: () => [
    {
      metadata: { name: "many-1", namespace: "d", uid: "", creationTimestamp: "" },
      addressType: "IPv4",
      endpoints: Array.from({ length: MANY }, (_none, index) => ({ addresses: [`10.4.0.${index}`] })),
      ports: [],
    },
  ],
  servicesAt: () => [],
  slicesAt: () => [],
};
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function resolver(servers: readonly Nameserver[] = [], clock = systemClock()): Resolver {
  const random = seededRandom(1);
  const upstream = new Upstream({ servers, clock, random, log: silentLogger });
  return new Resolver({ names: NAMES, domain: "cluster.local", nameserver: "127.96.0.10", upstream, clock, random });
}

/** Another nameserver, which answers as it is told; undefined: not at all. */
async function other(answer: (query: Buffer) => Buffer | undefined): Promise<Nameserver> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const said = answer(query);
    if (said !== undefined) socket.send(said, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  closers.push(() => socket.close());
  return { address: "127.0.0.1", port: socket.address().port };
}

const EDNS = (udpPayloadSize: number, ednsVersion = 0): Answer => ({
  type: "OPT",
  name: ".",
  udpPayloadSize,
  extendedRcode: 0,
  ednsVersion,
  flags: 0,
  flag_do: false,
  options: [],
});
const query = (name: string, more: Partial<Packet> = {}): Buffer =>
  encode({ type: "query", id: 77, flags: RECURSION_DESIRED, questions: [{ name, type: "A" }], ...more });
type Told = ReturnType<typeof decode> & { readonly rcode: string };
const read = (answer: Buffer | undefined): Told => decode(answer ?? expect.fail("there is no answer")) as Told;
const answerTo = async (to: Resolver, message: Buffer, via: "udp" | "tcp" = "udp"): Promise<Told> => read(await to.answer(message, via));
const response = (asked: Buffer, answers: Answer[]): Buffer => {
  const { id, questions } = decode(asked);
  return encode({ type: "response", id: id ?? 0, questions: questions ?? [], answers });
};
const ADDRESS = (name: string): Answer => ({ type: "A", name, ttl: 60, data: "192.0.2.80" });

describe("the cluster's own names", () => {
  test("are answered with authority, under the id of the question and with the question as it was", async () => {
    const told = await answerTo(resolver(), query("Web.d.svc.cluster.LOCAL"));
    expect(told).toMatchObject({ id: 77, type: "response", rcode: "NOERROR", flag_aa: true, flag_ra: true, flag_rd: true, flag_tc: false });
    expect(told.questions).toEqual([{ name: "Web.d.svc.cluster.LOCAL", type: "A", class: "IN" }]);
    expect(told.answers).toMatchObject([{ name: "Web.d.svc.cluster.LOCAL", data: "10.3.0.1" }]);
  });

  test.each<[string, Partial<Packet>, "udp" | "tcp", number]>([
    ["512 bytes without EDNS", {}, "udp", 512],
    ["what the client takes", { additionals: [EDNS(1_400)] }, "udp", 1_400],
    ["512 bytes at least", { additionals: [EDNS(100)] }, "udp", 512],
    ["4,096 bytes at most", { additionals: [EDNS(65_000)] }, "udp", 4_096],
  ])("that do not fit are cut off: %s", (_what, more, via, limit) => {
    const answer = resolver().answer(query("many.d.svc.cluster.local", more), via) as Buffer;
    const { flag_tc, answers = [], additionals = [] } = read(answer);
    expect(answer.length).toBeLessThanOrEqual(limit);
    expect(answer.length).toBeGreaterThan(limit - 60);
    expect([flag_tc, answers.length < MANY, additionals.length]).toEqual([true, true, more.additionals === undefined ? 0 : 1]);
  });

  test("come whole by TCP, and every client gets another address first", async () => {
    const one = resolver();
    const firsts = new Set<unknown>();
    for (let n = 0; n < 10; n++) {
      const { flag_tc, answers = [] } = await answerTo(one, query("many.d.svc.cluster.local"), "tcp");
      expect([flag_tc, answers.length]).toEqual([false, MANY]);
      firsts.add((answers[0] as { data: string }).data);
    }
    expect(firsts.size).toBeGreaterThan(1);
  });
});

describe("what is no question that can be answered", () => {
  const flags = (value: number): Buffer => {
    const message = query("web.d.svc.cluster.local");
    message.writeUInt16BE(value, 2);
    return message;
  };
  test.each<[string, Buffer, string]>([
    ["another operation", flags(0x2800), "NOTIMP"],
    [
      "two questions",
      query("a.d.svc.cluster.local", {
        questions: [
          { name: "a", type: "A" },
          { name: "b", type: "A" },
        ],
      }),
      "FORMERR",
    ],
    ["no question", query("", { questions: [] }), "FORMERR"],
    ["a name cut short", query("web.d.svc.cluster.local").subarray(0, 20), "FORMERR"],
    ["another class", query("", { questions: [{ name: "web.d.svc.cluster.local", type: "A", class: "CH" }] }), "REFUSED"],
  ])("%s: %s", async (_what, message, code) => {
    expect((await answerTo(resolver(), message)).rcode).toBe(code);
  });

  test("another version of EDNS", async () => {
    const { additionals = [] } = await answerTo(resolver(), query("web.d.svc.cluster.local", { additionals: [EDNS(1_232, 1)] }));
    expect(additionals).toMatchObject([{ type: "OPT", extendedRcode: 1, ednsVersion: 0 }]);
  });

  test("an answer, or less than a head", () => {
    expect(resolver().answer(flags(0x8000), "udp")).toBeUndefined();
    expect(resolver().answer(Buffer.alloc(11), "udp")).toBeUndefined();
  });

  test("whatever comes, nothing breaks, and what is answered can be read", async () => {
    const one = resolver();
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat(60), fc.nat(255)).map(([at, value]) => {
        const message = query("many.d.svc.cluster.local", { additionals: [EDNS(1_232)] });
        message[at % message.length] = value;
        return message;
      }),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (message) => {
        const answer = await one.answer(Buffer.from(message), "udp");
        if (answer !== undefined) decode(answer);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("other names", () => {
  test("are asked of others under another id, and answered as they answer", async () => {
    const ids: number[] = [];
    const server = await other((asked) => {
      const { id = 0, questions } = decode(asked);
      ids.push(id);
      return response(asked, [ADDRESS(questions?.[0]?.name ?? "")]);
    });
    const told = await answerTo(resolver([server]), query("www.example.com"));
    expect(told).toMatchObject({ id: 77, rcode: "NOERROR", flag_aa: false, answers: [{ data: "192.0.2.80" }] });
    expect(ids.at(-1)).not.toBe(77);
  });

  test("that a service stands for come with the answer", async () => {
    const server = await other((asked) => response(asked, [ADDRESS("www.example.com")]));
    const { answers } = await answerTo(resolver([server]), query("out.d.svc.cluster.local"));
    expect(answers).toMatchObject([
      { type: "CNAME", data: "www.example.com" },
      { type: "A", data: "192.0.2.80" },
    ]);
  });

  test("who answers another question, or under another id, is not heard; the next server is asked", async () => {
    const clock = virtualClock();
    const liar = await other((asked) => response(query("evil.example.com", { id: decode(asked).id ?? 0 }), [ADDRESS("evil.example.com")]));
    let asks = 0;
    const honest = await other((asked) => {
      asks++;
      return response(asked, [ADDRESS("www.example.com")]);
    });
    const waiting = resolver([liar, honest], clock).answer(query("www.example.com"), "udp");
    const told = await untilSettled(waiting, clock);
    expect(told.answers).toMatchObject([{ name: "www.example.com" }]);
    expect(asks).toBeGreaterThan(0);
  });

  test("to a server to which there is no way go to the next one", async () => {
    const good = await other((asked) => response(asked, [{ type: "A", name: "example.org", ttl: 30, data: "192.0.2.8" }]));
    const to = resolver([{ address: "255.255.255.255", port: 53 }, good]);
    expect((await answerTo(to, query("example.org"))).answers).toMatchObject([{ data: "192.0.2.8" }]);
  });

  test("that nobody answers fail, and so do those for which there is nobody to ask", async () => {
    const clock = virtualClock();
    const silent = await other(() => undefined);
    expect((await untilSettled(resolver([silent], clock).answer(query("www.example.com"), "udp"), clock)).rcode).toBe("SERVFAIL");
    expect((await answerTo(resolver(), query("www.example.com"))).rcode).toBe("SERVFAIL");
    expect((await answerTo(resolver(), query("out.d.svc.cluster.local"))).rcode).toBe("SERVFAIL");
  });

  test("that come back are not passed on for ever", async () => {
    const clock = virtualClock();
    let own: Resolver | undefined;
    let passed = 0;
    const mirror = createSocket("udp4");
    mirror.on("message", async (asked, from) => {
      passed++;
      const answer = await own?.answer(asked, "udp");
      if (answer !== undefined) mirror.send(answer, from.port, from.address);
    });
    mirror.bind(0, "127.0.0.1");
    await once(mirror, "listening");
    closers.push(() => mirror.close());
    own = resolver([{ address: "127.0.0.1", port: mirror.address().port }], clock);
    expect((await untilSettled(own.answer(query("www.example.com"), "udp"), clock)).rcode).toBe("SERVFAIL");
    const before = passed;
    expect((await answerTo(own, query("www.example.com"))).rcode).toBe("SERVFAIL");
    expect(passed).toBe(before);
  });
});

/** Time passes until there is an answer. */
async function untilSettled(waiting: ReturnType<Resolver["answer"]>, clock: ReturnType<typeof virtualClock>): Promise<Told> {
  let answer: Buffer | undefined;
  const settled = Promise.resolve(waiting).then((told) => {
    answer = told;
  });
  await expect
    .poll(() => {
      clock.advance(250);
      return answer !== undefined;
    })
    .toBe(true);
  await settled;
  return read(answer);
}

test("one port answers by UDP and TCP, several questions on one connection", async () => {
  const door = new DnsDoor({ address: "127.0.0.1", port: 0, resolver: resolver(), clock: systemClock() });
  await door.open();
  closers.push(() => door.shut());
  const udp = createSocket("udp4");
  closers.push(() => udp.close());
  udp.send(query("web.d.svc.cluster.local"), door.port, "127.0.0.1");
  const [datagram] = (await once(udp, "message")) as [Buffer];
  expect(read(datagram).answers).toMatchObject([{ data: "10.3.0.1" }]);
  const tcp = connect({ host: "127.0.0.1", port: door.port });
  const both = Buffer.concat(["web", "many"].map((name) => framed(query(`${name}.d.svc.cluster.local`))));
  tcp.write(both.subarray(0, 30));
  tcp.write(both.subarray(30));
  const lengths: number[] = [];
  let received = Buffer.alloc(0);
  for await (const chunk of tcp) {
    received = Buffer.concat([received, chunk as Buffer]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      lengths.push(read(received.subarray(2, end)).answers?.length ?? 0);
      received = received.subarray(end);
    }
    if (lengths.length === 2) break;
  }
  expect(lengths).toEqual([1, MANY]);
});
