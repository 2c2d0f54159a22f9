import type { Api, KubeList, KubeObject } from "../api.ts";
import { collectionPath, objectAddress, type ResourceType, resourceTypes } from "./resource-types.ts";

/** Something that a search has found. */
export interface Found {
  readonly title: string;
  /** What it is. */
  readonly what: string;
  readonly address: string;
}

const METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const PAGE_OBJECTS = 500;
/** Pages of a kind that are searched through; objects behind them are found by their whole name. */
const PAGES_MAX = 10;
const KEPT_MS = 30_000;

/** Kinds whose objects are searched, in the order in which they are shown. */
const SEARCHED: readonly string[] = [
  "deployments.apps",
  "statefulsets.apps",
  "daemonsets.apps",
  "cronjobs.batch",
  "jobs.batch",
  "services",
  "ingresses.networking.k8s.io",
  "configmaps",
  "secrets",
  "persistentvolumeclaims",
  "nodes",
  "namespaces",
  "pods",
];

interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** Objects by name. What has been listed is kept for a little while, so that a search goes as one types. */
export class ObjectSearch {
  readonly #api: Api;
  readonly #kept = new Map<string, { readonly at_ms: number; readonly names: Promise<readonly Named[]> }>();

  constructor(api: Api) {
    this.#api = api;
  }

  /** Finds kind by kind, as the answers come. */
  async *find(words: string, signal: AbortSignal): AsyncGenerator<Found> {
    const types = await resourceTypes(this.#api);
    const builtIn = SEARCHED.flatMap((id) => types.find((type) => type.id === id) ?? []);
    const custom = types.filter(({ group, verbs }) => group.includes(".") && !group.endsWith(".k8s.io") && verbs.has("list"));
    for (const type of [...builtIn, ...custom]) {
      if (signal.aborted) return;
      for (const { namespace, name } of await this.#matching(type, words).catch(() => []))
        yield {
          title: name,
          what: namespace === "" ? type.kind : `${type.kind} in ${namespace}`,
          address: objectAddress(type.id, namespace, name),
        };
    }
  }

  async #matching(type: ResourceType, words: string): Promise<readonly Named[]> {
    if (!(await this.#api.may({ verb: "list", group: type.group, resource: type.resource }))) return [];
    const names = await this.#names(type);
    const found = names.filter(({ name }) => name.includes(words));
    if (found.length > 0 || names.length < PAGE_OBJECTS * PAGES_MAX) return found;
    const { items } = await this.#api.get<KubeList<KubeObject>>(
      `${collectionPath(type)}?limit=${PAGE_OBJECTS}&fieldSelector=${encodeURIComponent(`metadata.name=${words}`)}`,
      { accept: METADATA },
    );
    return items.map(named);
  }

  #names(type: ResourceType): Promise<readonly Named[]> {
    const now_ms = Date.now();
    const kept = this.#kept.get(type.id);
    if (kept !== undefined && now_ms - kept.at_ms < KEPT_MS) return kept.names;
    const names = this.#list(type);
    this.#kept.set(type.id, { at_ms: now_ms, names });
    names.catch(() => this.#kept.delete(type.id));
    return names;
  }

  async #list(type: ResourceType): Promise<readonly Named[]> {
    const names: Named[] = [];
    let next = "";
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const { items, metadata } = await this.#api.get<KubeList<KubeObject>>(
        `${collectionPath(type)}?limit=${PAGE_OBJECTS}${next === "" ? "" : `&continue=${encodeURIComponent(next)}`}`,
        { accept: METADATA },
      );
      names.push(...items.map(named));
      next = metadata.continue ?? "";
      if (next === "") break;
    }
    return names;
  }
}

function named({ metadata: { name, namespace = "" } }: KubeObject): Named {
  return { name, namespace };
}
