import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { CONTRACTS_FILE, contracts, contractsOf, REGENERATE } from "./contracts.ts";

const house = contracts();

test("docs/contracts.txt says what the sources say", () => {
  expect(readFileSync(CONTRACTS_FILE, "utf8"), `a contract has changed: run \`${REGENERATE}\` and have the difference reviewed`).toBe(
    house.text,
  );
});

test("messages are plain data, and every handler refuses what it does not know", () => {
  expect(house.faults).toEqual([]);
  expect(house.unguarded).toEqual([]);
});

/** The contracts of one made-up file beside the kernel. */
function contractsOfSource(source: string): ReturnType<typeof contractsOf> {
  const name = join(import.meta.dirname, "made-up.ts");
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: ["node"],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (file, ...rest) =>
    file === name ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2024, true) : getSourceFile.call(host, file, ...rest);
  host.fileExists = (file) => file === name || fileExists.call(host, file);
  return contractsOf(ts.createProgram([name], options, host), [name]);
}

const kind = (union: string, more = ""): string => `
  import { type Actor, type ActorKind, unknownMessage } from "../../runtime/mod.ts";
  ${more}
  type Told = ${union};
  export const made: ActorKind<Told> = {
    kind: "made",
    mailboxCapacity: 1,
    supervision: { strategy: "stop" },
    activate: () => ({ receive(message) { switch (message.type) { default: unknownMessage(message); } } }),
  };`;

test("a member is one line, with its types resolved and in an order that does not depend on the compiler", () => {
  const { text, faults } = contractsOfSource(
    kind(
      '{ type: "b"; at?: number; name: Name; parts: readonly (Part | null)[]; flag: boolean } | { type: "a"; bytes: Uint8Array; pair: [x: number, y: "u" | "t"] }',
      `type Name = string & { readonly __name: unique symbol };
       interface Part { readonly of: Record<string, Part>; readonly one: "z" | "y" | 3 | undefined }`,
    ),
  );
  expect(faults).toEqual([]);
  expect(text).toContain('\nmade.a { bytes: bytes, pair: [x: number, y: "t" | "u"] }\n');
  expect(text).toContain("\nmade.b { at?: number, name: string, parts: (Part | null)[], flag: boolean }\n");
  expect(text).toContain('\nPart = { of: { [string]: Part }, one: "y" | "z" | 3 | undefined }\n');
});

test("what msgpack does not carry is a fault, however deep it lies", () => {
  const bad = {
    function: "() => void",
    method: "{ run(): void }",
    class: "Mailbox",
    map: "Map<string, number>",
    set: "ReadonlySet<string>",
    date: "Date",
    bigint: "bigint",
    symbol: "symbol",
    unknown: "unknown",
    any: "any",
    promise: "{ readonly list: readonly { readonly later: Promise<number> }[] }",
  };
  const members = Object.entries(bad).map(([type, body]) => `{ type: "${type}"; body: ${body} }`);
  const { faults } = contractsOfSource(kind(members.join(" | "), "class Mailbox { size = 0 }"));
  expect([...faults].sort()).toEqual(
    Object.keys(bad)
      .sort()
      .map((type) => expect.stringMatching(new RegExp(`^made\\.${type}\\.body.* is not plain data$`))),
  );
});

test("an actor whose handler may pass over a message is found", () => {
  const { unguarded } = contractsOfSource(
    `${kind('{ type: "a" }')}
     export class Deaf implements Actor<Told> { receive(message: Told): void { if (message.type === "a") return; } }`,
  );
  expect(unguarded).toEqual(["Deaf"]);
});

test("subjects, streams and buckets are followed to their constants", () => {
  const { text } = contractsOfSource(`
    import type { NatsConnection, StreamConfig } from "nats";
    const PREFIX = "made";
    interface Options { readonly stream: string }
    const options: Options = { stream: "made-log" };
    const subjectOf = (host: string): string => \`\${PREFIX}.host.\${host}\`;
    const config = ({ stream }: Options): Partial<StreamConfig> => ({ name: stream, subjects: [\`\${stream}.x\`] });
    export async function run(connection: NatsConnection, host: string): Promise<void> {
      const other = \`\${PREFIX}.other\`;
      connection.publish(subjectOf(host), "", { reply: other });
      const get = (subject: string): void => void connection.request(\`get.\${subject}\`);
      for (const part of [1, 2]) get(\`\${PREFIX}.\${part === 1 ? "end" : \`frame.\${part}\`}\`);
      get(other);
      await connection.jetstream().views.kv("made-table", { history: 1 });
      await (await connection.jetstreamManager()).streams.add(config(options));
    }`);
  const [, nats = ""] = /## NATS\n\n(.*)\n\n## Samples/s.exec(text) ?? [];
  expect(nats.split("\n")).toEqual([
    "bucket made-table",
    "bucket { history: 1 }",
    "publish made.host.<host>",
    "reply made.other",
    "request get.(made.(end or frame.<part>) or made.other)",
    "stream { name: made-log, subjects: [made-log.x] }",
  ]);
});
