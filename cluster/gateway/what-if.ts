import { badRequest, invalid } from "../../actors/kinds/errors.ts";
import { JsonError, parseJson } from "../../actors/kinds/machinery/json.ts";
import { type Kind, type KubeObject, NodeKind, ObjectList, type Pod, PodKind } from "../../actors/mod.ts";
import type { Requester } from "../../actors/registry/registry.ts";
import type { Rehearsals } from "../rehearsal/rehearsals.ts";
import { type Supposed, suppose } from "../rehearsal/supposed.ts";
import type { Answer } from "./answer.ts";
import { mediaTypeOf, objectText } from "./body.ts";
import type { GatewayContext } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import { tooMany } from "./in-flight.ts";
import { readObject } from "./object-body.ts";
import type { PageRequest } from "./route.ts";
import { warningsOf } from "./warnings.ts";
import { writeOptions } from "./write-options.ts";

/** Pods of one question: each is admitted, and looks at all nodes. */
const PODS_MAX = 1_000;
const LIST = { group: "", version: "v1", kind: "List" };

type Asked = Pick<GatewayContext, "kinds" | "registry" | "view">;

/**
 * `POST /troupe/what-if?namespace=NAMESPACE`: where pods would go. The body is a pod, an object with a template of pods, or a list of these; nodes and PodGroups in
 * the list are beside those there are, or in their place. Each pod is admitted as if it was created, and nothing is.
 */
export async function whatIf(
  { kinds, registry, view }: Asked,
  rehearsals: Rehearsals,
  exchange: Exchange,
  { query }: PageRequest,
  requester: Requester,
): Promise<Answer> {
  const namespace = query.get("namespace") ?? "";
  if (namespace === "") throw badRequest("namespace says where the pods would be");
  if (rehearsals.isFull) return tooMany();
  const warn = warningsOf(exchange);
  const objects = objectsIn(objectText(mediaTypeOf(exchange), await exchange.body(), LIST));
  const read = <T extends KubeObject>(kind: Kind<T>, object: KubeObject): T => {
    const content = { mediaType: "application/json", body: Buffer.from(JSON.stringify(object)), userAgent: undefined, requester, warn };
    return readObject<T>(kind, content, writeOptions(new URLSearchParams(), content, "CreateOptions"), kinds);
  };
  const inShape = (object: Supposed): Supposed => {
    const kind = object.kind === "Node" ? (NodeKind as unknown as Kind) : kinds.byApiVersion(String(object.apiVersion), object.kind);
    // Of the kinds that nobody has defined here the template alone counts.
    return kind === undefined ? object : { ...(read(kind, object) as Supposed), kind: object.kind };
  };
  const beside = new ObjectList();
  const wanted = suppose(objects.map(inShape), beside, { namespace, podsMax: PODS_MAX });
  for (const entry of beside.list("nodes")) {
    const errors = NodeKind.validate(view.decode(entry));
    if (errors.length > 0) throw invalid(NodeKind, entry.key.slice("nodes/".length), errors);
  }
  const pods = wanted.map(async (pod): Promise<Pod> => {
    if (pod.metadata.namespace !== namespace) throw badRequest(`the pods are to be in ${namespace}, not in ${pod.metadata.namespace}`);
    return view.decode<Pod>(await registry.create(PodKind, read(PodKind, pod), { requester, warn, dryRun: true }));
  });
  const placements = await rehearsals.whatIf(await Promise.all(pods), beside);
  return { type: "value", code: 200, value: { kind: "Placements", apiVersion: "troupe.dev/v1", placements } };
}

function objectsIn(text: string): readonly Supposed[] {
  const value = jsonIn(text) as (Partial<Supposed> & { readonly items?: unknown }) | null;
  const items: unknown = value?.kind?.endsWith?.("List") ? value.items : [value];
  if (!Array.isArray(items) || !items.every(isObject))
    throw badRequest("the body is no object with kind and metadata, and no list of them");
  return items;
}

function jsonIn(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw error instanceof JsonError ? badRequest(`the body is no JSON: ${error.message}`) : error;
  }
}

function isObject(item: unknown): item is Supposed {
  const { kind, metadata } = (item ?? {}) as { readonly kind?: unknown; readonly metadata?: unknown };
  return typeof kind === "string" && typeof metadata === "object" && metadata !== null;
}
