import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeObject, encodeProtobuf, openEnvelope } from "../../../actors/kinds/protobuf/envelope.ts";
import { WireReader } from "../../../actors/kinds/protobuf/wire-reader.ts";
import { KUBECTL_BODIES } from "../../actors/kinds/protobuf/kubectl-bodies.ts";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const PROTOBUF = "application/vnd.kubernetes.protobuf";
const PATH = "/api/v1/namespaces/default/configmaps";

let server: TestGateway;
let dispatcher: Agent;
beforeAll(async () => {
  server = await startGateway();
  dispatcher = new Agent({ connect: { ca: server.authority.cert, ...server.admin } });
});
afterAll(async () => {
  await dispatcher.destroy();
  await server.stop();
});

interface Received {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

async function call(method: string, path: string, body: Buffer | undefined, accept: string): Promise<Received> {
  const headers = { accept, ...(body === undefined ? {} : { "content-type": PROTOBUF }) };
  const answer = await request(`${server.url}${path}`, {
    method: method as "GET",
    dispatcher,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return {
    status: answer.statusCode,
    contentType: String(answer.headers["content-type"]),
    body: Buffer.from(await answer.body.arrayBuffer()),
  };
}

function encoded(object: Readonly<Record<string, unknown>>): Buffer {
  return encodeProtobuf(object) ?? expect.fail("no protobuf form");
}

function configMap(name: string): Buffer {
  return encoded({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: name } });
}

const json = ({ body }: Received): Json => JSON.parse(body.toString());
const object = ({ body }: Received): Json => decodeObject(openEnvelope(body));

describe("bodies", () => {
  test("kubectl creates a deployment", async () => {
    const deployment = Buffer.from(KUBECTL_BODIES[0]?.body ?? "", "base64");
    const answer = await call("POST", "/apis/apps/v1/namespaces/default/deployments", deployment, `${PROTOBUF},application/json`);
    expect(answer).toMatchObject({ status: 201, contentType: "application/json" });
    expect(json(answer)).toMatchObject({ metadata: { name: "web" }, spec: { replicas: 2, strategy: { type: "RollingUpdate" } } });
  });

  test("options of a deletion, under the version of what they are about", async () => {
    await call("POST", PATH, configMap("doomed"), "application/json");
    const options = encoded({ apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid: "another" } });
    const refused = await call("DELETE", `${PATH}/doomed`, options, "application/json");
    expect(refused.status).toBe(409);
  });

  test.each<[what: string, body: Buffer, message: string]>([
    [
      "no protobuf",
      Buffer.from("{}"),
      "the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})",
    ],
    [
      "a broken message",
      Buffer.concat([Buffer.from("k8s\0"), Buffer.from([0x12, 2, 0x0a, 9])]),
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF',
    ],
    [
      "another kind",
      encoded({ apiVersion: "v1", kind: "Secret", metadata: { name: "s" } }),
      'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    ],
  ])("refuses %s", async (_what, body, message) => {
    const answer = await call("POST", PATH, body, "application/json");
    expect(answer.status).toBe(400);
    expect(json(answer)).toMatchObject({ reason: "BadRequest", message });
  });
});

describe("answers to a client that reads nothing but protobuf", () => {
  test("an object, a list, its metadata, a refusal", async () => {
    const created = await call("POST", PATH, configMap("only"), PROTOBUF);
    expect(created).toMatchObject({ status: 201, contentType: PROTOBUF });
    expect(object(created)).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "only" }, data: { a: "only" } });

    const list = await call("GET", `${PATH}?fieldSelector=metadata.name%3Donly`, undefined, PROTOBUF);
    expect(openEnvelope(list.body)).toMatchObject({ apiVersion: "v1", kind: "ConfigMapList" });
    expect(list.body.includes("only")).toBe(true);

    const partial = await call("GET", `${PATH}/only`, undefined, `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`);
    expect(openEnvelope(partial.body)).toMatchObject({ apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata" });

    const refused = await call("GET", `${PATH}/missing`, undefined, PROTOBUF);
    expect(refused).toMatchObject({ status: 404, contentType: PROTOBUF });
    expect(object(refused)).toMatchObject({ kind: "Status", reason: "NotFound", code: 404 });
  });

  test("tables are not to be had, documents come as JSON", async () => {
    const table = await call("GET", PATH, undefined, `${PROTOBUF};as=Table;g=meta.k8s.io;v=v1`);
    expect(table.status).toBe(406);
    const version = await call("GET", "/version", undefined, PROTOBUF);
    expect(version).toMatchObject({ status: 200, contentType: "application/json" });
  });

  test("a watch comes in frames", async () => {
    const since = object(await call("POST", PATH, configMap("watched"), PROTOBUF)).metadata.resourceVersion;
    const answer = await request(`${server.url}${PATH}?watch=1&resourceVersion=${since}`, { dispatcher, headers: { accept: PROTOBUF } });
    expect(answer.headers["content-type"]).toBe(`${PROTOBUF};stream=watch`);
    await call("PUT", `${PATH}/watched`, encoded({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "watched" } }), PROTOBUF);
    await call("DELETE", `${PATH}/watched`, undefined, PROTOBUF);
    const events: Json[] = [];
    let bytes = Buffer.alloc(0);
    for await (const chunk of answer.body) {
      bytes = Buffer.concat([bytes, chunk as Buffer]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()) {
        const end = 4 + bytes.readUInt32BE();
        events.push(eventOf(bytes.subarray(4, end)));
        bytes = bytes.subarray(end);
      }
      if (events.length === 2) break;
    }
    expect(events).toMatchObject([
      { type: "MODIFIED", object: { kind: "ConfigMap", metadata: { name: "watched" } } },
      { type: "DELETED", object: { kind: "ConfigMap", metadata: { name: "watched" } } },
    ]);
  });
});

/** A `metav1.WatchEvent`: type is field 1, object.raw is field 1 of field 2. */
function eventOf(frame: Buffer): Json {
  const reader = new WireReader(frame);
  expect(reader.tag("WatchEvent")).toBe(1);
  const type = reader.text();
  expect(reader.tag("WatchEvent")).toBe(2);
  reader.enter();
  expect(reader.tag("RawExtension")).toBe(1);
  return { type, object: decodeObject(openEnvelope(reader.bytes())) };
}
