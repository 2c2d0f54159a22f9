import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, headers, type NatsConnection } from "nats";
import { createUser, fromSeed } from "nkeys.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PolicyRule } from "../../../actors/kinds/generated/types.ts";
import { DataDirectory } from "../../../cluster/boot/data-directory.ts";
import { NatsServer } from "../../../cluster/boot/nats-server.ts";
import { natsBinary } from "../../../cluster/boot/up.ts";
import { NatsAccounts, seedOf } from "../../../cluster/nats/accounts.ts";
import { connectionOptions } from "../../../cluster/nats/address.ts";
import { credentialsText, type Permissions } from "../../../cluster/nats/claims.ts";
import { identityIn, REQUEST_INFO } from "../../../cluster/nats/credentials.ts";
import { inboxPrefix, permissionsOf, REQUESTS, requestSubject, watchSubject } from "../../../cluster/nats/subjects.ts";
import { pinoLogger } from "../../../runtime/mod.ts";

const directory = mkdtempSync(join(tmpdir(), "troupe-accounts-"));
const open: NatsConnection[] = [];
let data: DataDirectory;
let server: NatsServer;
let host: NatsConnection;

beforeAll(async () => {
  data = await DataDirectory.open(join(directory, "data"));
  server = await NatsServer.start(data, natsBinary(), pinoLogger({ level: "silent" }));
  host = await connect(connectionOptions(server.address));
  open.push(host);
});
afterAll(async () => {
  for (const connection of open) await connection.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const pod = (namespace: string, name: string) => ({ group: "", resource: "pods", namespace, name });

/** A client whose rules hold in the namespace `mine`. */
async function client(rules: readonly PolicyRule[], expires_s?: number): Promise<NatsConnection> {
  const user = createUser();
  const publicKey = user.getPublicKey();
  const permissions = permissionsOf(
    rules.map((rule) => ({ namespace: "mine", rule })),
    false,
    publicKey,
  );
  return connectAs(server.accounts, user, permissions, expires_s);
}

async function connectAs(accounts: NatsAccounts, user: ReturnType<typeof createUser>, permissions: Permissions, expires_s?: number) {
  const publicKey = user.getPublicKey();
  const token = accounts.certify("clients", {
    name: "jane",
    publicKey,
    permissions,
    tags: ["uid:7", "group:Some", "group:others"],
    ...(expires_s === undefined ? {} : { expires_s }),
  });
  const connection = await connect({
    ...connectionOptions({ servers: server.address.servers, credentials: credentialsText(token, seedOf(user)) }),
    inboxPrefix: inboxPrefix(publicKey),
    reconnect: false,
  });
  open.push(connection);
  return connection;
}

/** What the server says to a subscription, undefined when it takes it. */
async function refusalOf(connection: NatsConnection, subject: string): Promise<string | undefined> {
  const subscription = connection.subscribe(subject);
  const refused = (async () => {
    try {
      for await (const _ of subscription);
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  })();
  await connection.flush();
  // The refusal came before the answer to the flush.
  subscription.unsubscribe();
  return refused;
}

const READER: PolicyRule = { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["pods"] };

describe("a client of NATS", () => {
  test("asks for what its rules allow, and whoever answers is told who it is", async () => {
    const heard = host.subscribe(`${REQUESTS}.>`, {
      callback: (_error, message) => message.respond(JSON.stringify([message.subject, message.headers?.last(REQUEST_INFO)])),
    });
    await host.flush();
    const jane = await client([READER]);
    const answer = await jane.request(requestSubject("get", pod("mine", "a.pod")));
    const [subject, info] = answer.json<[string, string]>();
    expect(subject).toBe("troupe.api.get.core.pods.mine.a.pod");
    expect(identityIn(info)).toEqual({ user: "jane", uid: "7", groups: ["Some", "others"] });
    // Who says that they are somebody else is not believed.
    const forged = headers();
    forged.set(REQUEST_INFO, JSON.stringify({ name_tag: "admin", tags: ["group:system:masters"] }));
    const [, again] = (await jane.request(subject, undefined, { headers: forged, timeout: 5_000 })).json<[string, string]>();
    expect(identityIn(again).user).toBe("jane");
    heard.unsubscribe();
  });

  test("follows what it may watch, and hears nothing of others", async () => {
    const jane = await client([READER]);
    const heard: string[] = [];
    const subscription = jane.subscribe("troupe.watch.core.pods.mine.>", { callback: (_error, { subject }) => heard.push(subject) });
    await jane.flush();
    for (const [namespace, name] of [
      ["theirs", "secret"],
      ["mine", "p"],
    ] as const)
      host.publish(watchSubject(pod(namespace, name)));
    await host.flush();
    await jane.flush();
    expect(heard).toEqual(["troupe.watch.core.pods.mine.p"]);
    subscription.unsubscribe();
  });

  test.each([
    "troupe.watch.core.pods.theirs.>",
    "troupe.watch.core.pods.*.>",
    "troupe.watch.core.secrets.mine.>",
    "troupe.watch.>",
    ">",
    "troupe.host.*",
    "troupe-log.batch",
    "$KV.troupe-members.>",
    "$JS.>",
    "$SYS.>",
    "_INBOX.>",
    "_INBOX_UOTHER.>",
  ])("may not hear %s", async (subject) => {
    expect(await refusalOf(await client([READER]), subject)).toMatch(/Permissions Violation/i);
  });

  test.each([
    requestSubject("delete", pod("mine", "p")),
    requestSubject("get", pod("theirs", "p")),
    requestSubject("get", { group: "", resource: "secrets", namespace: "mine", name: "s" }),
    "troupe.watch.core.pods.mine.p",
    "troupe.host.all",
    "troupe-log.batch",
    "$KV.troupe-members.table",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.DELETE.troupe-log",
    "$JS.API.STREAM.MSG.GET.troupe-log",
    "$SYS.REQ.SERVER.PING",
    "$SYS.REQ.ACCOUNT.PING.CONNZ",
  ])("may not say %s", async (subject) => {
    const jane = await client([READER]);
    const refused = (async () => {
      for await (const status of jane.status()) if (status.type === "error") return status.permissionContext;
      return undefined;
    })();
    jane.publish(subject);
    await jane.flush();
    expect(await refused).toEqual({ operation: "publish", subject });
  });

  test("whoever may do everything has none of the cluster's own subjects all the same: they are another account's", async () => {
    const user = createUser();
    const admin = await connectAs(server.accounts, user, { publish: [">"], subscribe: [">"] });
    const heard: string[] = [];
    const subscription = admin.subscribe(">", { callback: (_error, { subject }) => heard.push(subject) });
    await admin.flush();
    host.publish("troupe.host.all");
    host.publish("troupe-log.batch");
    await host.flush();
    await admin.flush();
    expect(heard.filter((subject) => !subject.startsWith("_INBOX"))).toEqual([]);
    expect(await admin.jetstreamManager().catch((error: Error) => error.message)).toBe("503");
    subscription.unsubscribe();
  });

  test("whose rules allow nothing says and hears nothing but answers", async () => {
    const jane = await client([]);
    expect(await refusalOf(jane, "x")).toMatch(/Permissions Violation/i);
  });
});

describe("is not let in", () => {
  const refusal = (connecting: Promise<NatsConnection>): Promise<string> =>
    connecting.then(
      async (connection) => {
        await connection.close();
        return "let in";
      },
      (error: Error) => error.message,
    );
  const servers = (): { servers: string[]; reconnect: false } => ({ servers: [...server.address.servers], reconnect: false });

  test("who shows nothing, or a name and a password", async () => {
    expect(await refusal(connect(servers()))).toMatch(/Authorization/i);
    expect(await refusal(connect({ ...servers(), user: "troupe", pass: "troupe" }))).toMatch(/Authorization/i);
  });

  test("whose credentials have ended, or are another cluster's, or another's key", async () => {
    const permissions = permissionsOf([{ namespace: "", rule: READER }], false, "x");
    expect(await refusal(client([READER], Math.floor(Date.now() / 1_000) - 1))).toMatch(/Authorization|expired/i);
    const other = NatsAccounts.open(join(directory, "other/nats.keys"));
    expect(await refusal(connectAs(other, createUser(), permissions))).toMatch(/Authorization/i);
    const [mine, theirs] = [createUser(), createUser()];
    const token = server.accounts.certify("clients", { name: "jane", publicKey: mine.getPublicKey(), permissions });
    const stolen = connectionOptions({ servers: servers().servers, credentials: credentialsText(token, seedOf(theirs)) });
    expect(await refusal(connect({ ...stolen, reconnect: false }))).toMatch(/Authorization/i);
  });
});

test("keys are for their owner's eyes, made once, and refused when they are damaged", () => {
  const file = join(directory, "keys/nats.keys");
  const made = NatsAccounts.open(file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(file, "..")).mode & 0o777).toBe(0o700);
  expect(NatsAccounts.open(file).keys).toEqual(made.keys);
  expect(new Set(Object.values(made.keys)).size).toBe(4);
  expect(fromSeed(Buffer.from(made.keys.cluster)).getPublicKey()).toBe(made.cluster);
  expect(readFileSync(data.file("nats/nats.conf"), "utf8")).not.toMatch(/\bS[OAU][A-Z0-9]{50,}/);
});
