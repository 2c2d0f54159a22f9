/**
 * Writes `generated/protobuf.json`: the field numbers of Kubernetes' protobuf encoding, one line a message, for `protobuf.ts`. Run by hand
 * when the release of Kubernetes changes: `node cluster/gateway/generate-protobuf.ts DIR...`, each DIR holding the
 * `generated.proto` files of k8s.io/api and k8s.io/apimachinery of that release.
 *
 * A message is a list of `<number> <name> <type>`: scalars as proto names them, messages by `<group>.<version>.<Name>`, `[type]` repeated,
 * `{type}` a map with string keys, and `...type` a Go embedded struct, whose fields stand in JSON among those of its parent.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MODELS = new URL("../../node_modules/@kubernetes/client-node/dist/gen/models/", import.meta.url);
const SCALARS = new Set(["string", "bytes", "bool", "int32", "int64", "double"]);
/** Packages by the names that the table has for them. */
const SHORT: readonly (readonly [RegExp, string])[] = [
  [/^k8s\.io\.api\./, ""],
  [/^k8s\.io\.apimachinery\.pkg\.apis\.meta\./, "meta."],
  [/^k8s\.io\.apimachinery\.pkg\.(?:api|util)\.(\w+)/, "$1"],
  [/^k8s\.io\.apimachinery\.pkg\.runtime/, "runtime"],
];

const shortName = (name: string): string => SHORT.reduce((text, [from, to]) => text.replace(from, to), name);

/** The JSON field names of a message, as the official client has them; undefined for messages that it does not know. */
async function jsonNames(pack: string, message: string): Promise<Set<string> | undefined> {
  const [group = "", version = ""] = pack.split(".");
  const base = `${version.charAt(0).toUpperCase()}${version.slice(1)}${message}`;
  for (const name of [`${group.charAt(0).toUpperCase()}${group.slice(1)}${base}`, base]) {
    const file = new URL(`${name}.js`, MODELS);
    if (!existsSync(file)) continue;
    const models = (await import(file.href)) as Record<string, { getAttributeTypeMap(): readonly { readonly baseName: string }[] }>;
    const attributes = models[name]?.getAttributeTypeMap();
    if (attributes !== undefined) return new Set(attributes.map(({ baseName }) => baseName));
  }
  return undefined;
}

async function messagesOf(text: string): Promise<Map<string, string[]>> {
  const messages = new Map<string, string[]>();
  const pack = shortName(/^package ([\w.]+);/m.exec(text)?.[1] ?? "");
  const resolved = (type: string): string => {
    if (SCALARS.has(type)) return type;
    return type.includes(".") ? shortName(type.replace(/^\./, "")) : `${pack}.${type}`;
  };
  for (const [, message = "", body = ""] of text.matchAll(/^message (\w+) \{\n(.*?)^\}/gms)) {
    const known = await jsonNames(pack, message);
    const fields: string[] = [];
    for (const [, label = "", type = "", name = "", number = ""] of body.matchAll(
      /^ {2}(optional |repeated |)([\w.<>, ]+?) (\w+) = (\d+);/gm,
    )) {
      const map = /^map<string, *([\w.]+)>$/.exec(type);
      const value = resolved(map?.[1] ?? type);
      const inline = known !== undefined && !known.has(name) && !SCALARS.has(value) && label === "optional ";
      fields.push(
        `${number} ${name} ${map !== null ? `{${value}}` : label === "repeated " ? `[${value}]` : inline ? `...${value}` : value}`,
      );
    }
    messages.set(`${pack}.${message}`, fields);
  }
  return messages;
}

const table = new Map<string, string[]>();
for (const directory of process.argv.slice(2)) {
  for (const file of globSync("**/generated.proto", { cwd: directory }).sort()) {
    for (const [name, fields] of await messagesOf(readFileSync(join(directory, file), "utf8"))) table.set(name, fields);
  }
}
const lines = [...table]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, fields]) => `${JSON.stringify(name)}:${JSON.stringify(fields.join("|"))}`);
writeFileSync(new URL("generated/protobuf.json", import.meta.url), `{\n${lines.join(",\n")}\n}\n`);
