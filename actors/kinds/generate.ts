/**
 * Writes `generated/` from the field tables of the official client, `@kubernetes/client-node`, which is generated from Kubernetes'
 * own OpenAPI document, and from Kubernetes' public Go types. Run by hand when that package, the release of Kubernetes or the list of
 * roots changes: `node actors/kinds/generate.ts DIR...`, each DIR holding k8s.io/api, k8s.io/apimachinery,
 * k8s.io/apiextensions-apiserver, k8s.io/kube-aggregator or k8s.io/kubernetes of that release, under that name.
 *
 * - `generated/types.ts`: one interface a definition, as the wire has it (dates and quantities are strings).
 * - `generated/schema.json`: one line a definition, each field in the notation of `schema.ts`.
 * - `generated/go-facts.json`: what only the Go types say, see `go-facts.ts`.
 * - `generated/internal.json`: what Kubernetes' internal types are called and in which order they are printed, see `internal-form.ts`.
 * - `generated/docs.json`: the descriptions and the values that fields may have, apart because only `kubectl explain` wants them.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { GoFacts } from "./generate-go-facts.ts";
import { readGoTypes } from "./generate-go-structs.ts";
import { internalLines } from "./generate-internal.ts";

const MODELS = new URL("../../node_modules/@kubernetes/client-node/dist/gen/models/", import.meta.url);
const OUT = new URL("./generated/", import.meta.url);

/** The kinds that are served, by the package that owns what they reach; the first package that reaches a definition owns it. */
const ROOTS: readonly (readonly [pkg: string, models: readonly string[]])[] = [
  [
    "io.k8s.apimachinery.pkg.apis.meta.v1",
    ["V1Condition", "V1DeleteOptions", "V1FieldSelectorRequirement", "V1LabelSelector", "V1ListMeta", "V1ObjectMeta", "V1Status"],
  ],
  [
    "io.k8s.api.core.v1",
    [
      "V1Binding",
      "V1ComponentStatus",
      "V1ConfigMap",
      "V1Endpoints",
      "CoreV1Event",
      "V1LimitRange",
      "V1Namespace",
      "V1Node",
      "V1PersistentVolume",
      "V1PersistentVolumeClaim",
      "V1Pod",
      "V1PodTemplate",
      "V1ReplicationController",
      "V1ResourceQuota",
      "V1Secret",
      "V1Service",
      "V1ServiceAccount",
      "V1TopologySelectorTerm",
    ],
  ],
  [
    "io.k8s.api.admissionregistration.v1",
    [
      "V1MutatingWebhookConfiguration",
      "V1ValidatingAdmissionPolicy",
      "V1ValidatingAdmissionPolicyBinding",
      "V1ValidatingWebhookConfiguration",
    ],
  ],
  ["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1", ["V1CustomResourceDefinition"]],
  ["io.k8s.kube-aggregator.pkg.apis.apiregistration.v1", ["V1APIService"]],
  ["io.k8s.api.apps.v1", ["V1ControllerRevision", "V1DaemonSet", "V1Deployment", "V1ReplicaSet", "V1StatefulSet"]],
  ["io.k8s.api.authentication.v1", ["AuthenticationV1TokenRequest", "V1SelfSubjectReview", "V1TokenReview"]],
  [
    "io.k8s.api.authorization.v1",
    ["V1LocalSubjectAccessReview", "V1SelfSubjectAccessReview", "V1SelfSubjectRulesReview", "V1SubjectAccessReview"],
  ],
  ["io.k8s.api.autoscaling.v1", ["V1HorizontalPodAutoscaler", "V1Scale"]],
  ["io.k8s.api.autoscaling.v2", ["V2HorizontalPodAutoscaler"]],
  ["io.k8s.api.batch.v1", ["V1CronJob", "V1Job"]],
  ["io.k8s.api.certificates.v1", ["V1CertificateSigningRequest"]],
  ["io.k8s.api.coordination.v1", ["V1Lease"]],
  ["io.k8s.api.discovery.v1", ["V1EndpointSlice"]],
  ["io.k8s.api.events.v1", ["EventsV1Event"]],
  ["io.k8s.api.flowcontrol.v1", ["V1FlowSchema", "V1PriorityLevelConfiguration"]],
  ["io.k8s.api.networking.v1", ["V1Ingress", "V1IngressClass", "V1IPAddress", "V1NetworkPolicy", "V1ServiceCIDR"]],
  ["io.k8s.api.node.v1", ["V1RuntimeClass"]],
  ["io.k8s.api.policy.v1", ["V1Eviction", "V1PodDisruptionBudget"]],
  ["io.k8s.api.rbac.v1", ["V1ClusterRole", "V1ClusterRoleBinding", "V1Role", "V1RoleBinding"]],
  ["io.k8s.api.resource.v1", ["V1DeviceClass", "ResourceV1ResourceClaim", "V1ResourceClaimTemplate", "V1ResourceSlice"]],
  ["io.k8s.api.scheduling.v1", ["V1PriorityClass"]],
  [
    "io.k8s.api.storage.v1",
    ["V1CSIDriver", "V1CSINode", "V1CSIStorageCapacity", "V1StorageClass", "V1VolumeAttachment", "V1VolumeAttributesClass"],
  ],
];

/** What `object.ts` and `status.ts` declare by hand, because every part of the house uses it. */
const OWN_TYPES = new Set(["ObjectMeta", "OwnerReference", "Status", "StatusCause", "StatusDetails"]);
/** Structs that Go embeds by value and that are therefore always there: code may rely on them without a question mark. */
const ALWAYS_THERE = new Set(["spec", "template"]);

interface Field {
  readonly name: string;
  /** In the notation of schema.ts, without the suffix. */
  readonly notation: string;
  readonly required: boolean;
  readonly doc: string;
}

interface Definition {
  /** The name of its TypeScript interface. */
  readonly type: string;
  readonly pkg: string;
  readonly model: string;
  readonly doc: string;
  readonly fields: readonly Field[];
  readonly refs: readonly string[];
}

/** `V1Pod` -> `Pod`, `CoreV1Event` -> `Event`, `DiscoveryV1EndpointPort` -> `DiscoveryEndpointPort`. */
function typeName(model: string): string {
  return model.replace(/^(Core|Authentication)(?=V\d)/, "").replace(/^([A-Z][a-z]+)?V1(?=[A-Z])/, "$1");
}

/** The name that Kubernetes gives it: `DiscoveryV1EndpointPort` -> `EndpointPort`. */
function kubernetesName(model: string): string {
  return model.replace(/^([A-Z][a-z]+)?V\d+[a-z0-9]*(?=[A-Z])/, "");
}

/** Its name in the OpenAPI document. */
function nameOf({ pkg, model }: Pick<Definition, "pkg" | "model">): string {
  return `${pkg}.${kubernetesName(model)}`;
}

function unescapeDoc(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trim().replace(/^\* ?/, ""))
    .join("\n")
    .trim()
    .replace(/\\(['"\\])/g, "$1");
}

/** `Array<V1Container>` -> `[#Container]`, `{ [key: string]: string; }` -> `{string}`, `Date` -> `time`. */
function notationOf(type: string, format: string, quantity: boolean): string {
  const array = /^Array<(.*)>$/.exec(type);
  if (array !== null) return `[${notationOf(array[1] ?? "", format, quantity)}]`;
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map !== null) return `{${notationOf(map[1] ?? "", format, quantity)}}`;
  if (type === "number") return format === "double" ? "double" : format;
  if (type === "boolean" || type === "any") return type;
  if (type === "Date") return "time";
  if (type === "V1MicroTime") return "microTime";
  if (type === "IntOrString") return "intOrString";
  if (type === "string") return quantity ? "quantity" : format === "byte" ? "bytes" : "string";
  return `#${typeName(type)}`;
}

function readModel(model: string, pkg: string, go: GoFacts): Definition {
  const declaration = readFileSync(new URL(`${model}.d.ts`, MODELS), "utf8");
  const table = /attributeTypeMap = (\[[\s\S]*?\n\]);/.exec(readFileSync(new URL(`${model}.js`, MODELS), "utf8"));
  const attributes = JSON.parse(table?.[1] ?? "[]") as { name: string; baseName: string; type: string; format: string }[];
  const classDoc = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export declare class/.exec(declaration)?.[1] ?? "";
  const refs: string[] = [];
  const goName = `${pkg}.${kubernetesName(model)}`;
  const fields = attributes.map((attribute): Field => {
    const declared = new RegExp(`(?:/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*)?\\n    '${attribute.name.replace("$", "\\$")}'(\\??):`).exec(
      declaration,
    );
    const quantity = go.isQuantity(goName, attribute.baseName);
    const notation = notationOf(attribute.type, attribute.format, quantity);
    const ref = /(?:V\d+|(?:[A-Z][a-z]+)V\d+)[A-Z]\w*/.exec(attribute.type);
    if (ref !== null && ref[0] !== "V1MicroTime") refs.push(ref[0]);
    const name = attribute.baseName;
    // The official client lacks what is said of fields that are objects, and paragraphs.
    const doc = go.fieldDoc(goName, name) || unescapeDoc(declared?.[1] ?? "");
    return { name, notation, required: declared?.[2] === "", doc };
  });
  return { type: typeName(model), pkg, model, doc: go.doc(goName) || unescapeDoc(classDoc), fields, refs };
}

function readAll(go: GoFacts): Map<string, Definition> {
  const found = new Map<string, Definition>();
  const visit = (model: string, pkg: string): void => {
    if (found.has(model)) return;
    const definition = readModel(model, pkg, go);
    found.set(model, definition);
    for (const ref of definition.refs) visit(ref, pkg);
  };
  for (const [pkg, models] of ROOTS) for (const model of models) visit(model, pkg);
  return found;
}

function typescriptOf(notation: string): string {
  if (notation.startsWith("[")) {
    const item = typescriptOf(notation.slice(1, -1));
    return item.includes("|") ? `(${item})[]` : `${item}[]`;
  }
  if (notation.startsWith("{")) return `Record<string, ${typescriptOf(notation.slice(1, -1))}>`;
  if (notation.startsWith("#")) return notation.slice(1);
  if (notation === "int32" || notation === "int64" || notation === "double") return "number";
  if (notation === "intOrString") return "number | string";
  if (notation === "any") return "unknown";
  return notation === "boolean" ? "boolean" : "string";
}

function printInterface(definition: Definition): string {
  const names = definition.fields.map((field) => field.name);
  const root = names.includes("apiVersion") && names.includes("kind") && names.includes("metadata");
  const lines: string[] = [];
  for (const field of definition.fields) {
    if (root && (field.name === "apiVersion" || field.name === "kind" || field.name === "metadata")) continue;
    const type = field.notation === "#ObjectMeta" ? "Partial<ObjectMeta>" : typescriptOf(field.notation);
    const there = field.required || (ALWAYS_THERE.has(field.name) && field.notation.startsWith("#"));
    const name = /^[A-Za-z]\w*$/.test(field.name) ? field.name : JSON.stringify(field.name);
    lines.push(`  ${name}${there ? "" : "?"}: ${type};`);
  }
  return `export interface ${definition.type}${root && names.includes("metadata") ? " extends KubeObject" : ""} {\n${lines.join("\n")}\n}\n`;
}

function main(): void {
  if (!existsSync(OUT)) mkdirSync(OUT);
  const types = readGoTypes(process.argv.slice(2));
  const go = new GoFacts(types);
  const definitions = [...readAll(go).values()].sort((a, b) => (a.type < b.type ? -1 : 1));
  const interfaces = definitions.filter((definition) => !OWN_TYPES.has(definition.type)).map(printInterface);
  const head = "// Written by actors/kinds/generate.ts; do not edit.\n";
  writeFileSync(
    new URL("types.ts", OUT),
    `${head}import type { KubeObject, ObjectMeta, OwnerReference } from "../object.ts";\n\n${interfaces.join("\n")}`,
  );
  const schema = definitions.map((definition) => {
    const name = nameOf(definition);
    const fields = definition.fields.map((field) => {
      return [field.name, field.notation + (field.required ? "!" : go.presence(name, field.name))];
    });
    const entry = { name, fields: Object.fromEntries(fields) };
    return `${JSON.stringify(definition.type)}:${JSON.stringify(entry)}`;
  });
  writeFileSync(new URL("schema.json", OUT), `{\n${schema.join(",\n")}\n}\n`);
  const facts = definitions.flatMap((definition) => {
    const line = go.line(nameOf(definition));
    return line === undefined ? [] : [`${JSON.stringify(definition.type)}:${JSON.stringify(line)}`];
  });
  writeFileSync(new URL("go-facts.json", OUT), `{\n${facts.join(",\n")}\n}\n`);
  const internal = [...internalLines(types)].map(([name, fields]) => `${JSON.stringify(name)}:${JSON.stringify(fields)}`);
  writeFileSync(new URL("internal.json", OUT), `{\n${internal.join(",\n")}\n}\n`);
  const docs = definitions.map((definition) => {
    const fields = definition.fields.map((field) => [field.name, field.doc]);
    const values = definition.fields.flatMap(({ name }) => {
      const found = go.values(nameOf(definition), name);
      return found === undefined ? [] : [[name, found]];
    });
    const entry = [definition.doc, Object.fromEntries(fields), ...(values.length === 0 ? [] : [Object.fromEntries(values)])];
    return `${JSON.stringify(definition.type)}:${JSON.stringify(entry)}`;
  });
  writeFileSync(new URL("docs.json", OUT), `{\n${docs.join(",\n")}\n}\n`);
}

main();
