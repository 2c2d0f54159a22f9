import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { headers, type Msg } from "nats";
import { Troupe } from "../client/mod.ts";
import { runNatsCredentials } from "../cluster/nats/credentials-command.ts";
import { percentile } from "./driver/percentile.ts";
import { podBodies } from "./driver/pod-shape.ts";
import { BenchFailure } from "./failure.ts";
import { type Figure, printFigures } from "./figure.ts";
import { processorTime_us } from "./store/processor-time.ts";

const USAGE = `npm run bench -- nats --data DIR [flags]

The API by NATS, of the cluster that runs on a data directory: pods created, read one by one, and changes told to many who listen. Start it with npm start -- --only api.

  --data DIR          the cluster (default .troupe)
  --pods N            how many (default 20000)
  --concurrency N     requests in flight (default 512)
  --subscribers N     who listen to the same objects (default 1000)
  --json              one line per figure: {"suite","case","metric","value","unit","conditions"}
`;

const HOUR_MS = 3_600_000;
/** Each pod is read so many times. */
const GETS_PER_POD = 5;
/** Requests of one message, where they go together. */
const BATCH = 100;
/** Changes that every subscriber hears of. */
const CHANGES = 200;
/** Subscribers share so many connections. */
const CONNECTIONS = 20;
/** While one is answered the next are on their way. */
const MESSAGES_MIN = 8;
/** How long the last answer, or event, may take. */
const ARRIVAL_MS_MAX = 60_000;
const ERROR_CODE = "Nats-Service-Error-Code";

interface Run {
  readonly client: Troupe;
  /** Where its answers arrive. */
  readonly inboxPrefix: string;
  readonly namespace: string;
  readonly pods: number;
  readonly concurrency: number;
  readonly subscribers: number;
  /** Processor time of Troupe and of its nats-server. */
  readonly used_us: () => { readonly troupe: number; readonly nats: number };
  readonly figure: (what: string, metric: string, value: number, unit: string) => void;
}

/** The nats suite. Prints figures; throws BenchFailure. */
export async function nats(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: "string", default: ".troupe" },
      pods: { type: "string", default: "20000" },
      concurrency: { type: "string", default: "512" },
      subscribers: { type: "string", default: "1000" },
      json: { type: "boolean", default: false },
    },
  });
  const [pods = 0, concurrency = 0, subscribers = 0] = [values.pods, values.concurrency, values.subscribers].map(Number);
  const status = JSON.parse(readFileSync(join(values.data, "status.json"), "utf8")) as {
    pid: number;
    nats: string;
    version: string;
    natsServer: { pid: number; version: string } | null;
  };
  const credentials = await runNatsCredentials({ kubeconfig: join(values.data, "kubeconfig"), file: undefined, ttl_ms: HOUR_MS });
  const connect = (): Promise<Troupe> => Troupe.connect({ servers: status.nats, credentials });
  const client = await connect();
  const conditions = `troupe=${status.version} nats-server=${status.natsServer?.version} pods=${pods} concurrency=${concurrency} subscribers=${subscribers} cpus=${availableParallelism()} load=${loadavg()[0]?.toFixed(1)}`;
  const figures: Figure[] = [];
  const namespace = `bench-nats-${randomBytes(4).toString("hex")}`;
  const run: Run = {
    client,
    inboxPrefix: /--inbox-prefix (\S+)/.exec(credentials)?.[1] ?? "",
    namespace,
    pods,
    concurrency,
    subscribers,
    used_us: () => ({ troupe: processorTime_us(status.pid), nats: processorTime_us(status.natsServer?.pid ?? 0) }),
    figure: (what, metric, value, unit) => figures.push({ suite: "nats", case: what, metric, value, unit, conditions }),
  };
  await client.resource("namespaces").create({ metadata: { name: namespace } });
  // Where no controllers run, nobody makes it, and pods are refused without it.
  await client
    .resource("serviceaccounts")
    .in(namespace)
    .create({ metadata: { name: "default" } })
    .catch(() => undefined);
  try {
    const body = podBodies("basic", namespace, "pod-");
    await flood(run, "creates", pods, (index) => ({ subject: `troupe.api.create.core.pods.${namespace}._`, data: body(index) }));
    await flood(run, "gets", pods * GETS_PER_POD, (index) => ({ subject: `troupe.api.get.core.pods.${namespace}.pod-${index % pods}` }));
    const more = podBodies("basic", namespace, "more-");
    const many = (make: (index: number) => string, message: number): string =>
      Array.from({ length: BATCH }, (_, at) => make((message * BATCH + at) % pods)).join("\n");
    await flood(
      run,
      `creates, ${BATCH} a message`,
      pods,
      (message) => ({ subject: `troupe.api.create.core.pods.${namespace}._`, data: many(more, message) }),
      BATCH,
    );
    const name = (index: number): string => `"pod-${index}"`;
    await flood(
      run,
      `gets, ${BATCH} a message`,
      pods * GETS_PER_POD,
      (message) => ({ subject: `troupe.api.get.core.pods.${namespace}._`, data: many(name, message) }),
      BATCH,
    );
    await fanOut(run, connect);
  } finally {
    await client.resource("pods").in(namespace).deleteCollection({ gracePeriodSeconds: 0 });
    await client.resource("namespaces").delete(namespace);
    await client.close();
  }
  printFigures(figures, values.json);
  return 0;
}

/** Makes so many requests, a number of them at a time; a message has `batch` of them, and a reply subject of its own. */
async function flood(
  { client: { connection }, inboxPrefix, concurrency, used_us, figure }: Run,
  what: string,
  count: number,
  question: (index: number) => { readonly subject: string; readonly data?: string },
  batch = 1,
): Promise<void> {
  const messages = count / batch;
  const took_ms = new Float64Array(messages);
  const head = headers();
  if (batch > 1) head.append("Content-Type", "application/x-ndjson");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const inbox = `${inboxPrefix}.${randomBytes(6).toString("hex")}`;
  let [asked, answered] = [0, 0];
  const ask = (): void => {
    const index = asked++;
    took_ms[index] = performance.now();
    const { subject, data } = question(index);
    connection.publish(subject, data, { reply: `${inbox}.${index}`, ...(batch === 1 ? {} : { headers: head }) });
  };
  const answers = connection.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      const code = message.headers?.get(ERROR_CODE) ?? "";
      if (error !== null || code !== "") reject(new BenchFailure(`${what}: ${error?.message ?? message.string()}`));
      const index = Number(message.subject.slice(inbox.length + 1));
      took_ms[index] = performance.now() - (took_ms[index] ?? 0);
      answered += 1;
      if (answered === messages) resolve();
      else if (asked < messages) ask();
    },
  });
  const before = used_us();
  const begun_ms = performance.now();
  for (let index = 0; index < Math.min(Math.max(concurrency / batch, MESSAGES_MIN), messages); index++) ask();
  await within(promise, () => `${what}: ${answered} of ${messages} were answered`);
  const all_ms = performance.now() - begun_ms;
  const after = used_us();
  answers.unsubscribe();
  figure(what, "rate", count / (all_ms / 1_000), "1/s");
  figure(what, "p50 of a message", percentile(took_ms, 0.5) ?? 0, "ms");
  figure(what, "p99 of a message", percentile(took_ms, 0.99) ?? 0, "ms");
  figure(what, "processor time of Troupe", (after.troupe - before.troupe) / count, "us each");
  figure(what, "processor time of nats-server", (after.nats - before.nats) / count, "us each");
}

async function fanOut({ client, namespace, subscribers, used_us, figure }: Run, connect: () => Promise<Troupe>): Promise<void> {
  const listeners: Troupe[] = [];
  while (listeners.length < Math.min(CONNECTIONS, subscribers)) listeners.push(await connect());
  const latency_ms: number[] = [];
  let told_ms = 0;
  let [heard, wanted] = [0, 0];
  let all = (): void => {};
  const hear = (error: Error | null, message: Msg): void => {
    if (error !== null || message.headers?.get("Type") !== "MODIFIED") return;
    latency_ms.push(performance.now() - told_ms);
    if (++heard === wanted) all();
  };
  for (let number = 0; number < subscribers; number++) {
    listeners[number % listeners.length]?.connection.subscribe(`troupe.watch.core.configmaps.${namespace}.>`, { callback: hear });
  }
  await Promise.all(listeners.map(({ connection }) => connection.flush()));
  const object = client.resource("configmaps").in(namespace);
  await object.create({ metadata: { name: "changed" } });
  // Answered when it is known who listens.
  await object.ask("watch", "", "");
  const head = headers();
  head.append("Content-Type", "application/merge-patch+json");
  const before = used_us();
  const begun_ms = performance.now();
  for (let change = 0; change < CHANGES; change++) {
    wanted += subscribers;
    const { promise, resolve } = Promise.withResolvers<void>();
    all = resolve;
    told_ms = performance.now();
    client.connection.publish(`troupe.api.patch.core.configmaps.${namespace}.changed`, `{"data":{"change":"${change}"}}`, {
      headers: head,
    });
    await within(promise, () => `fan-out: ${heard} of ${wanted} events were heard`);
  }
  const all_ms = performance.now() - begun_ms;
  const after = used_us();
  for (const { connection } of listeners) await connection.close();
  const what = `a change to ${subscribers} subscribers`;
  figure(what, "deliveries", heard / (all_ms / 1_000), "1/s");
  figure(what, "from asked to heard, p50", percentile(latency_ms, 0.5) ?? 0, "ms");
  figure(what, "from asked to heard, p99", percentile(latency_ms, 0.99) ?? 0, "ms");
  figure(what, "processor time of Troupe", (after.troupe - before.troupe) / CHANGES, "us a change");
  figure(what, "processor time of nats-server", (after.nats - before.nats) / CHANGES, "us a change");
}

async function within<T>(promise: Promise<T>, late: () => string): Promise<T> {
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => timer.reject(new BenchFailure(late())), ARRIVAL_MS_MAX);
  return Promise.race([promise, timer.promise]).finally(() => clearTimeout(timeout));
}
