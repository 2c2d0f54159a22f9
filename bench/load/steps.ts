import { setTimeout as delay } from "node:timers/promises";
import type { ApiCalls } from "./api-calls.ts";
import type { PodCensus } from "./pod-census.ts";
import type { LoadPod } from "./pod-line.ts";
import type { Resources } from "./resources.ts";
import { fill, podsAskedFor, type Template } from "./templates.ts";
import type { Step } from "./workload.ts";

/** Calls of one step in flight at most. */
const STEP_CONCURRENCY = 8;
/** Of so many reads one lists all pods of the cluster, and every so many one those of a namespace. */
const CLUSTER_LIST_EVERY = 600;
const NAMESPACE_LIST_EVERY = 20;
const MS_PER_S = 1_000;

/** An object that the run has made. */
interface Made {
  readonly object: string;
  readonly namespace: string;
  readonly kind: string;
  readonly resource: string;
  readonly path: string;
  /** Whether pods are made from it; what is made beside them may bear the same name, as a service does. */
  readonly ownsPods: boolean;
  pods: number;
}

interface StageOptions {
  readonly calls: ApiCalls;
  readonly census: PodCensus;
  readonly resources: Resources;
  readonly run: string;
  readonly nodes: readonly string[];
  readonly namespaces: readonly string[];
  readonly templates: Readonly<Record<string, Template>>;
  readonly signal: AbortSignal;
}

/** What the steps of a run act on, and what has become of it. */
export class Stage {
  readonly options: StageOptions;
  readonly made: Made[] = [];
  readonly #withServices = new Set<string>();
  /** Steps of the phase under way. */
  planned = 0;
  done = 0;
  /** Counts changes of pod templates, so that each is another. */
  revision = 0;

  constructor(options: StageOptions) {
    this.options = options;
  }

  get podsWanted(): number {
    return this.made.reduce((sum, { pods }) => sum + pods, 0);
  }

  add(made: Made): void {
    this.made.push(made);
    if (made.kind === "Service") this.#withServices.add(made.namespace);
  }

  hasServices(namespace: string): boolean {
    return this.#withServices.has(namespace);
  }

  /** A share of the objects of this name, spread over all of them. */
  some(object: string, share: number): readonly Made[] {
    return everySo(
      this.made.filter((made) => made.object === object),
      share,
    );
  }

  /** The same of those that pods are made from. */
  owners(object: string, share: number): readonly Made[] {
    return everySo(
      this.made.filter((made) => made.object === object && made.ownsPods),
      share,
    );
  }
}

/** Takes a step; one that goes on for a time spreads over `for_ms`. */
export async function takeStep(stage: Stage, step: Step, for_ms: number): Promise<void> {
  switch (step.do) {
    case "create":
      return create(stage, step, for_ms);
    case "scale":
      return spread(stage, stage.owners(step.object, step.share), for_ms, (made) => scale(stage, made, step.replicas));
    case "update":
      return spread(stage, stage.owners(step.object, step.share), for_ms, (made) => update(stage, made));
    case "delete":
      return spread(stage, stage.some(step.object, step.share), for_ms, (made) => remove(stage, made));
    case "replace":
      return spread(stage, everySo([...stage.options.census.pods()], step.share), for_ms, (pod) => replace(stage, pod));
    case "killNodes":
      return spread(stage, everySo(stage.options.nodes, step.count / stage.options.nodes.length), for_ms, (node) =>
        killNode(stage, node, step.away_ms),
      );
    case "read":
      return read(stage, step.perSecond, for_ms);
  }
}

/** A share of them, evenly spread. */
export function everySo<T>(all: readonly T[], share: number): readonly T[] {
  const wanted = Math.min(all.length, Math.round(all.length * share));
  return Array.from({ length: wanted }, (_, index) => all[Math.floor((index * all.length) / wanted)] as T);
}

/** Does something with each, a few at a time, evenly spread over the time; as fast as it goes when that is 0. */
async function spread<T>(stage: Stage, all: readonly T[], for_ms: number, act: (one: T) => Promise<void>): Promise<void> {
  const { signal } = stage.options;
  const from_ms = performance.now();
  let next = 0;
  stage.planned += all.length;
  const loop = async (): Promise<void> => {
    while (next < all.length) {
      const index = next++;
      const early_ms = from_ms + (index / all.length) * for_ms - performance.now();
      if (early_ms > 0) await delay(early_ms, undefined, { signal });
      await act(all[index] as T);
      stage.done++;
    }
  };
  await Promise.all(Array.from({ length: Math.min(STEP_CONCURRENCY, all.length) }, loop));
}

async function create(stage: Stage, step: Extract<Step, { do: "create" }>, for_ms: number): Promise<void> {
  const { calls, resources, run, nodes, namespaces, templates } = stage.options;
  const template = templates[step.template] as Template;
  const places = Array.from({ length: step.count }, (_, number) =>
    namespaces.slice(0, step.namespaces).map((namespace) => ({ namespace, name: `${step.object}-${number}` })),
  );
  await spread(stage, places.flat(), for_ms, async ({ namespace, name }) => {
    const manifest = fill(template, { name, namespace, replicas: step.replicas, run });
    const { resource, path } = await resources.collection(template.apiVersion, template.kind, namespace);
    await calls.send({ verb: "create", resource, scope: "resource" }, { method: "POST", path, body: JSON.stringify(manifest) });
    const pods = podsAskedFor(manifest, nodes.length);
    const ownsPods = (manifest.spec as { readonly template?: unknown } | undefined)?.template !== undefined;
    stage.add({ object: step.object, namespace, kind: template.kind, resource, path: `${path}/${name}`, ownsPods, pods });
  });
}

const MERGE_PATCH = { "content-type": "application/merge-patch+json" };

async function scale(stage: Stage, made: Made, replicas: number): Promise<void> {
  const body = JSON.stringify({ spec: { replicas } });
  const kind = { verb: "patch", resource: `${made.resource}/scale`, scope: "resource" } as const;
  await stage.options.calls.send(kind, { method: "PATCH", path: `${made.path}/scale`, body, headers: MERGE_PATCH });
  made.pods = replicas;
}

async function update(stage: Stage, made: Made): Promise<void> {
  const annotations = { "troupe-load-revision": String(++stage.revision) };
  const body = JSON.stringify({ spec: { template: { metadata: { annotations } } } });
  const kind = { verb: "patch", resource: made.resource, scope: "resource" } as const;
  await stage.options.calls.send(kind, { method: "PATCH", path: made.path, body, headers: MERGE_PATCH });
}

async function remove(stage: Stage, made: Made): Promise<void> {
  const body = JSON.stringify({ propagationPolicy: "Background" });
  await stage.options.calls.send(
    { verb: "delete", resource: made.resource, scope: "resource" },
    { method: "DELETE", path: made.path, body },
    true,
  );
  stage.made.splice(stage.made.indexOf(made), 1);
}

async function replace(stage: Stage, { namespace, name }: LoadPod): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  await stage.options.calls.send({ verb: "delete", resource: "pods", scope: "resource" }, { method: "DELETE", path }, true);
}

/** A node that is gone takes its pods with it; it comes back as a new machine of the same name. */
async function killNode(stage: Stage, name: string, away_ms: number): Promise<void> {
  const { calls, signal } = stage.options;
  const path = `/api/v1/nodes/${name}`;
  const found = await calls.send({ verb: "get", resource: "nodes", scope: "resource" }, { method: "GET", path }, true);
  if (found.status === 404) return;
  const { metadata, spec } = JSON.parse(found.body) as {
    readonly metadata: { readonly labels?: object; readonly annotations?: object };
    readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] };
  };
  await calls.send({ verb: "delete", resource: "nodes", scope: "resource" }, { method: "DELETE", path }, true);
  await delay(away_ms, undefined, { signal });
  const { podCIDR, podCIDRs } = spec ?? {};
  const again = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: metadata.labels, annotations: metadata.annotations },
    spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs },
  };
  const create = { method: "POST", path: "/api/v1/nodes", body: JSON.stringify(again) } as const;
  await calls.send({ verb: "create", resource: "nodes", scope: "resource" }, create);
}

async function read(stage: Stage, perSecond: number, for_ms: number): Promise<void> {
  const { calls, namespaces, census } = stage.options;
  const pods = [...census.pods()];
  const count = Math.max(1, Math.round((perSecond * for_ms) / MS_PER_S));
  await spread(
    stage,
    Array.from({ length: count }, (_, index) => index),
    for_ms,
    async (index) => {
      if (index % CLUSTER_LIST_EVERY === CLUSTER_LIST_EVERY - 1) {
        await calls.send({ verb: "list", resource: "pods", scope: "cluster" }, { method: "GET", path: "/api/v1/pods" });
        return;
      }
      const namespace = namespaces[index % namespaces.length] ?? "";
      const pod = pods[(index * 7919) % Math.max(1, pods.length)];
      if (index % NAMESPACE_LIST_EVERY === NAMESPACE_LIST_EVERY - 1 || pod === undefined) {
        await calls.send(
          { verb: "list", resource: "pods", scope: "namespace" },
          { method: "GET", path: `/api/v1/namespaces/${namespace}/pods` },
        );
        return;
      }
      const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`;
      await calls.send({ verb: "get", resource: "pods", scope: "resource" }, { method: "GET", path }, true);
    },
  );
}
