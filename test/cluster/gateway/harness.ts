import { generateKeyPairSync } from "node:crypto";
import { Agent, request } from "undici";
import { API_SERVICES_ADDRESS } from "../../../actors/controllers/api-services.ts";
import { createControllerKind } from "../../../actors/controllers/controllers.ts";
import { createDefinitionsKind, DEFINITIONS_ADDRESS } from "../../../actors/controllers/definitions.ts";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { ServiceAccountKind } from "../../../actors/kinds/core/service-account.ts";
import type { Namespace, ServiceAccount } from "../../../actors/kinds/generated/types.ts";
import { BUILT_IN_KINDS, KindTable } from "../../../actors/kinds/kinds.ts";
import { createRegistry } from "../../../actors/registry/create-registry.ts";
import { followDefinitions } from "../../../actors/registry/definitions.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import { createAccess } from "../../../cluster/access/access.ts";
import { expressionAuthorizer } from "../../../cluster/access/admission/expression-authorizer.ts";
import { accessPlugins } from "../../../cluster/access/admission/plugins.ts";
import { ensureDefaultRoles } from "../../../cluster/access/authorization/reconcile-roles.ts";
import { createCertifier } from "../../../cluster/access/certifier.ts";
import type { AccessSettings } from "../../../cluster/access/settings.ts";
import { Aggregation, type OwnExtension } from "../../../cluster/aggregation/aggregation.ts";
import { untilNewest } from "../../../cluster/gateway/context.ts";
import type { Gateway, GatewayOptions } from "../../../cluster/gateway/gateway.ts";
import { createGateway } from "../../../cluster/gateway/gateway.ts";
import { observedHosts } from "../../../cluster/observation/hosts.ts";
import { Dialer } from "../../../cluster/outbound/dialer.ts";
import { OwnAddresses } from "../../../cluster/outbound/own-address.ts";
import { createWebhookClient } from "../../../cluster/outbound/webhook-client.ts";
import { addressOf, HOST_KIND, hostKind, silentLogger, systemClock, systemRandom } from "../../../runtime/mod.ts";
import type { TestStore } from "../../actors/store/harness.ts";
import { startStore } from "../../actors/store/harness.ts";
import { settingsOf } from "../access/settings.ts";
import type { Authority, Pair } from "./certificates.ts";
import { makeAuthority } from "./certificates.ts";

/** A gateway on a store of its own, with the namespaces `default` and `kube-system`, and an administrator's client. */
export interface TestGateway {
  readonly gateway: Gateway;
  readonly registry: Registry;
  readonly store: TestStore;
  readonly authority: Authority;
  readonly admin: Pair;
  /** Who signs for who speaks for clients to other servers. */
  readonly front: Authority;
  readonly url: string;
  /** Calls as the administrator. */
  readonly call: Call;
  /** A client with this certificate, or with none. */
  client(pair: Pair | undefined): Call;
  /** Opens a watch and reads its lines one by one. */
  watch(path: string): Promise<WatchReader>;
  stop(): Promise<void>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON; fails the test when it is none. */
  json(): Json;
}

/** JSON as tests read it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export type Json = any;

export type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answered>;

export interface WatchReader {
  /** The next event; undefined when the watch has ended. */
  next(): Promise<Json | undefined>;
  close(): void;
}

/** The text of a key that signs service account tokens. */
export function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

export interface TestGatewayOptions {
  readonly historyRevisions?: number;
  /** What services get their addresses from. */
  readonly serviceCidr?: string;
  /** Ports that count as the cluster's own. */
  readonly ownPorts?: readonly number[];
  readonly access?: Partial<AccessSettings>;
  /** Controllers that run beside it. */
  readonly controllers?: readonly string[];
  /** What it serves itself as an extension. */
  readonly extension?: (store: TestStore) => OwnExtension;
  readonly wrap?: (options: GatewayOptions) => GatewayOptions;
}

export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const store = startStore({
    log: new MemoryLog(),
    ...(options.historyRevisions === undefined ? {} : { historyRevisions: options.historyRevisions }),
  });
  store.host.register(hostKind(store.host));
  const clock = systemClock();
  const random = systemRandom();
  const kinds = new KindTable();
  const authority = await makeAuthority();
  const server = await authority.server();
  const own = new OwnAddresses({ ports: new Set(options.ownPorts ?? []), certificate: server.cert });
  const dialer = new Dialer(own);
  const webhooks = createWebhookClient({ view: store.replica, random, dialer });
  const settings = { ...settingsOf(newSigningKey()), ...options.access };
  const newest = () => untilNewest({ view: store.replica, store: store.client });
  const access = createAccess({ settings, view: store.replica, clock, log: silentLogger, dialer, newest, registry: () => registry });
  const plugins = accessPlugins(() => access);
  const authorizer = expressionAuthorizer(() => access);
  const registry = createRegistry({
    view: store.replica,
    store: store.client,
    clock,
    random,
    kinds,
    webhooks,
    access: plugins,
    authorizer,
    ...(options.serviceCidr === undefined ? {} : { serviceCidr: options.serviceCidr }),
  });
  for (const name of ["default", "kube-public", "kube-system"]) {
    await registry.create(NamespaceKind, { metadata: { name }, spec: {} } as unknown as Namespace);
    await registry.create(ServiceAccountKind, { metadata: { name: "default", namespace: name } } as unknown as ServiceAccount);
  }
  await ensureDefaultRoles(registry, store.replica);
  await access.newest();
  const definitions = followDefinitions(store.replica, kinds);
  store.host.register(createDefinitionsKind({ view: store.replica, registry, recorderFor: () => ({ event: () => {} }) }));
  store.host.messenger.tell(DEFINITIONS_ADDRESS, { type: "start" });
  const recorderFor = () => ({ event: () => {} });
  store.host.register(
    createControllerKind({
      view: store.replica,
      registry,
      recorderFor,
      kinds: BUILT_IN_KINDS,
      caCertificate: authority.cert,
      certifier: createCertifier(authority.pair, () => access.authorizer, clock),
      signToken: (namespace, secret, account) => access.issuer.issueForSecret(namespace, secret, account),
    }),
  );
  for (const name of options.controllers ?? []) store.host.messenger.tell(addressOf("controller", name), { type: "start" });
  store.host.messenger.tell(API_SERVICES_ADDRESS, { type: "start" });
  let made: GatewayOptions = {
    view: store.replica,
    store: store.client,
    registry,
    kinds,
    access,
    own,
    messenger: store.host.messenger,
    clock,
    random,
    log: silentLogger,
    tls: { key: server.key, cert: server.cert, clientCa: authority.cert },
    version: "0.1.0",
    hosts: observedHosts(store.host.messenger, { members: [{ host: store.host.name, kinds: [HOST_KIND] }] }),
  };
  const front = await makeAuthority("front-proxy");
  const frontProxy = await front.client("front-proxy-client", []);
  const aggregation = new Aggregation({
    view: store.replica,
    registry,
    clock,
    random,
    log: silentLogger,
    dialer,
    frontProxy: () => frontProxy,
    ...(options.extension === undefined ? {} : { extension: options.extension(store) }),
  });
  made = { ...made, aggregation };
  const gateway = createGateway(options.wrap === undefined ? made : options.wrap(made));
  const url = `https://127.0.0.1:${await gateway.listen(0, "127.0.0.1")}`;
  const agents: Agent[] = [];
  const agentOf = (pair: Pair | undefined): Agent => {
    const agent = new Agent({ connect: { ca: authority.cert, ...(pair ?? {}) } });
    agents.push(agent);
    return agent;
  };
  const client = (pair: Pair | undefined): Call => {
    const dispatcher = agentOf(pair);
    return async (method, path, body, headers = {}) => {
      const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
      const answer = await request(`${url}${path}`, {
        method: method as "GET",
        dispatcher,
        headers: { ...(text === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(text === undefined ? {} : { body: text }),
      });
      const received = await answer.body.text();
      return { status: answer.statusCode, headers: answer.headers, text: received, json: () => JSON.parse(received) as Json };
    };
  };
  const admin = await authority.client("admin", ["system:masters"]);
  const watchAgent = agentOf(admin);
  const watch = async (path: string): Promise<WatchReader> => {
    const answer = await request(`${url}${path}`, { dispatcher: watchAgent });
    if (answer.statusCode !== 200) throw new Error(`watch: ${answer.statusCode} ${await answer.body.text()}`);
    return readerOf(answer.body);
  };
  return {
    gateway,
    registry,
    store,
    authority,
    admin,
    front,
    url,
    call: client(admin),
    client,
    watch,
    async stop() {
      await Promise.all(agents.map((agent) => agent.destroy()));
      await gateway.close(0);
      definitions.cancel();
      aggregation.close();
      await dialer.close();
      access.stop();
      await store.stop();
    },
  };
}

function readerOf(body: AsyncIterable<Buffer> & { destroy(): unknown }): WatchReader {
  const chunks = body[Symbol.asyncIterator]();
  let rest = "";
  return {
    async next() {
      for (;;) {
        const newline = rest.indexOf("\n");
        if (newline >= 0) {
          const line = rest.slice(0, newline);
          rest = rest.slice(newline + 1);
          return JSON.parse(line) as Json;
        }
        const chunk = await chunks.next();
        if (chunk.done === true) return undefined;
        rest += chunk.value.toString();
      }
    },
    close: () => void body.destroy(),
  };
}
