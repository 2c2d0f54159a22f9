import { ApiError, type KubeList } from "../../api.ts";
import type { ViewContext } from "../../view.ts";
import { FIELD_MANAGER } from "../actions/action.ts";
import { objectPath, type ResourceType, resourceType, resourceTypeOf, soleObjectPath } from "../resource-types.ts";
import type { AnyObject } from "../subject.ts";
import { faultsOf } from "./faults.ts";
import type { Fault, Manifest } from "./manifest.ts";

const APPLY = "application/apply-patch+yaml";
const CONFLICT = 409;
const DEFINITION = "CustomResourceDefinition";
/** A kind that has just been defined is served a moment later. */
const KIND_WAIT_MS = 500;
const KIND_TRIES = 10;

/** What has become of one document. */
export interface Outcome {
  readonly kind: string;
  /** Of its kind; undefined: the API does not serve it. */
  readonly id: string | undefined;
  readonly name: string;
  readonly namespace: string | undefined;
  /** `later`: cannot be tried before another document is applied. */
  readonly state: "waits" | "tried" | "later" | "created" | "configured" | "unchanged";
  readonly faults: readonly Fault[];
  /** Somebody else's fields are in the way. */
  readonly isConflict: boolean;
}

interface Written {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: { readonly group?: string; readonly names?: { readonly kind?: string } };
}

export interface ApplyOptions {
  readonly dryRun: boolean;
  /** Takes over fields that are others'. */
  readonly force: boolean;
  readonly told: (outcomes: readonly Outcome[]) => void;
}

/** Applies documents one after another, each as the server-side apply of the console's own field manager. */
export class Applying {
  readonly #context: ViewContext;
  readonly #manifests: readonly Manifest[];
  readonly #namespace: string;

  /** `namespace`: of objects that name none. */
  constructor(context: ViewContext, manifests: readonly Manifest[], namespace: string) {
    this.#context = context;
    this.#manifests = manifests;
    this.#namespace = namespace;
  }

  /** Stops at the first that is refused when it is not only tried. */
  async run({ dryRun, force, told }: ApplyOptions): Promise<readonly Outcome[]> {
    const outcomes = this.#manifests.map(({ value }) => waiting(value as Written | null));
    for (const [at, manifest] of this.#manifests.entries()) {
      const outcome = await this.#one(manifest, dryRun, force);
      outcomes[at] = outcome;
      told([...outcomes]);
      if (!dryRun && outcome.faults.length > 0) break;
    }
    return outcomes;
  }

  async #one(manifest: Manifest, dryRun: boolean, force: boolean): Promise<Outcome> {
    const written = (manifest.value ?? {}) as Written;
    const { apiVersion = "", kind = "", metadata = {} } = written;
    const plain = waiting(written);
    const refuse = (message: string, field: string): Outcome => ({ ...plain, faults: [{ message, line: manifest.lineOf(field) }] });
    if (apiVersion === "" || kind === "")
      return refuse("An object needs an apiVersion and a kind.", apiVersion === "" ? "apiVersion" : "kind");
    if (!metadata.name) return refuse("An object needs a name: metadata.name.", "metadata");
    const type = await this.#type(apiVersion, kind, dryRun);
    if (type === undefined) {
      if (dryRun && this.#defines(apiVersion, kind)) return { ...plain, state: "later" };
      return refuse(`The API serves no ${kind} of ${apiVersion}.`, "kind");
    }
    const namespace = type.isNamespaced ? (metadata.namespace ?? this.#namespace) : undefined;
    const named = { ...plain, id: type.id, namespace };
    // The version that is written, not the one that the server prefers.
    const version = apiVersion.split("/").at(-1) ?? type.version;
    const query = new URLSearchParams({
      fieldManager: FIELD_MANAGER,
      fieldValidation: "Strict",
      ...(dryRun ? { dryRun: "All" } : {}),
      ...(force ? { force: "1" } : {}),
    });
    const path = `${objectPath({ ...type, version }, namespace, metadata.name)}?${query}`;
    try {
      if (dryRun && namespace !== undefined && this.#makes(namespace) && (await this.#isMissing(namespace)))
        return { ...named, state: "later" };
      const before = dryRun ? undefined : await this.#revision(type, namespace, metadata.name);
      const after = await this.#context.api.send<AnyObject>("PATCH", path, JSON.stringify(manifest.value), { contentType: APPLY });
      if (dryRun) return { ...named, state: "tried" };
      return { ...named, state: before === undefined ? "created" : before === after.metadata.resourceVersion ? "unchanged" : "configured" };
    } catch (error) {
      return { ...named, faults: faultsOf(error, manifest), isConflict: error instanceof ApiError && error.status.code === CONFLICT };
    }
  }

  async #type(apiVersion: string, kind: string, dryRun: boolean): ReturnType<typeof resourceTypeOf> {
    for (let tries = 0; ; tries += 1) {
      const type = await resourceTypeOf(this.#context.api, apiVersion, kind);
      if (type !== undefined || dryRun || tries >= KIND_TRIES || !this.#defines(apiVersion, kind)) return type;
      await new Promise((resolve) => setTimeout(resolve, KIND_WAIT_MS));
    }
  }

  /** Undefined: there is no such object. */
  async #revision(type: ResourceType, namespace: string | undefined, name: string): Promise<string | undefined> {
    const { items } = await this.#context.api.get<KubeList<AnyObject>>(soleObjectPath(type, namespace, name));
    return items[0]?.metadata.resourceVersion;
  }

  async #isMissing(namespace: string): Promise<boolean> {
    const type = await resourceType(this.#context.api, "namespaces");
    return type !== undefined && (await this.#revision(type, undefined, namespace)) === undefined;
  }

  /** Whether one of the documents is the namespace. */
  #makes(namespace: string): boolean {
    return this.#manifests.some(({ value }) => (value as Written)?.kind === "Namespace" && (value as Written).metadata?.name === namespace);
  }

  /** Whether one of the documents defines the kind. */
  #defines(apiVersion: string, kind: string): boolean {
    return this.#manifests.some(({ value }) => {
      const { kind: own, spec } = (value ?? {}) as Written;
      return own === DEFINITION && spec?.names?.kind === kind && apiVersion.startsWith(`${spec.group}/`);
    });
  }
}

function waiting(value: Written | null): Outcome {
  const { kind = "?", metadata } = value ?? {};
  return {
    kind,
    id: undefined,
    name: metadata?.name ?? "?",
    namespace: metadata?.namespace,
    state: "waits",
    faults: [],
    isConflict: false,
  };
}
