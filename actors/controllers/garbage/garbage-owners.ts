import { apiVersionOf, type Kind, keyFor, partsOf, resourceOf, splitApiVersion } from "../../kinds/kind.ts";
import { decodeMetadata, mayHaveFinalizers, mayHaveOwners, ownersOf } from "../../kinds/metadata-text.ts";
import type { KubeObject, ObjectMeta, OwnerReference } from "../../kinds/object.ts";
import { Finding } from "../../store/finding.ts";
import type { Entry, IndexDefinition, View } from "../../store/view.ts";

/** Holds an object until its dependents with blockOwnerDeletion are gone. */
export const FOREGROUND = "foregroundDeletion";
/** Holds an object until its dependents have forgotten it. */
export const ORPHAN = "orphan";

const NAMESPACES = "namespaces";
const NO_NAMES: readonly string[] = [];

/** Where an owner should be; `unknown`: nobody here knows such a kind, so nothing can be said about it. */
export type OwnerPlace = { readonly key: string } | "unknown" | "namespaced owner of a cluster-scoped object";

/** All that matters of a dependent when its owners are looked for. */
export type Dependent = Pick<ObjectMeta, "namespace">;

/** Everything that owns and is owned: which resources there are, and who depends on whom. */
export class Ownership {
  readonly #byGroupKind = new Map<string, Kind>();
  readonly #byResource = new Map<string, Kind>();
  /** What there is, by the versions that it is served in: `apps/v1/Deployment`. Who names another names nothing. */
  readonly #served = new Set<string>();
  /** The owner that was looked for everywhere last: its dependents come one after the other. */
  #sought: { readonly uid: string; readonly namespace: string | undefined } | undefined;

  constructor(kinds: readonly Kind[]) {
    for (const kind of kinds) this.add(kind);
  }

  /** Whether the kind's resource is new here. */
  add(kind: Kind): boolean {
    this.#served.add(`${apiVersionOf(kind)}/${kind.kind}`);
    if (kind.stored !== undefined) return false;
    const isNew = !this.#byResource.has(resourceOf(kind));
    this.#byGroupKind.set(`${kind.group}/${kind.kind}`, kind);
    this.#byResource.set(resourceOf(kind), kind);
    return isNew;
  }

  get resources(): readonly string[] {
    return [...this.#byResource.keys()];
  }

  /** One index per resource: under the uid of each owner. Objects without owners are in none. */
  indexes(resources: readonly string[] = this.resources): readonly IndexDefinition[] {
    return resources.map((resource) => ({
      name: `owners:${resource}`,
      resource,
      values: ({ metadata: { ownerReferences } }: KubeObject) =>
        ownerReferences === undefined ? NO_NAMES : ownerReferences.map(({ uid }) => uid),
      valuesOfText: ({ text }: Entry) => (mayHaveOwners(text) ? ownersOf(text).map(({ uid }) => uid) : NO_NAMES),
    }));
  }

  kindOf(key: string): Kind | undefined {
    return this.#byResource.get(key.slice(0, key.indexOf("/")));
  }

  dependentsOf(view: View, uid: string): readonly Entry[] {
    const found: Entry[] = [];
    for (const resource of this.#byResource.keys()) {
      // The index reads texts and may find who only embeds an owner.
      for (const entry of view.byIndex(`owners:${resource}`, uid)) {
        if (metadataOf(entry).ownerReferences?.some((owner) => owner.uid === uid) === true) found.push(entry);
      }
    }
    return found;
  }

  /** Where the owner is, if it is: in the dependent's namespace, or in none. Source: garbagecollector's isDangling. */
  placeOf(owner: OwnerReference, dependent: Dependent): OwnerPlace {
    const kind = this.#byGroupKind.get(`${splitApiVersion(owner.apiVersion)[0]}/${owner.kind}`);
    if (kind === undefined || !this.#served.has(`${owner.apiVersion}/${owner.kind}`)) return "unknown";
    if (!kind.namespaced) return { key: keyFor(kind, undefined, owner.name) };
    if (dependent.namespace === undefined) return "namespaced owner of a cluster-scoped object";
    return { key: keyFor(kind, dependent.namespace, owner.name) };
  }

  /** The owner's metadata, if it is there and is the one that was meant. */
  ownerOf(view: View, owner: OwnerReference, dependent: Dependent): ObjectMeta | undefined {
    const place = this.placeOf(owner, dependent);
    const entry = typeof place === "string" ? undefined : view.entry(place.key);
    const metadata = entry === undefined ? undefined : metadataOf(entry);
    return metadata?.uid === owner.uid ? metadata : undefined;
  }

  /** The namespace, another one than its dependent's, in which an owner is after all. */
  namespaceOf(view: View, owner: OwnerReference): string | undefined {
    if (this.#sought?.uid !== owner.uid) this.#sought = { uid: owner.uid, namespace: this.#search(view, owner) };
    return this.#sought.namespace;
  }

  #search(view: View, owner: OwnerReference): string | undefined {
    return view
      .list(NAMESPACES)
      .map(({ key }) => partsOf(key).name)
      .find((namespace) => this.ownerOf(view, owner, { namespace }) !== undefined);
  }
}

const metadatas = new Finding<ObjectMeta, void>((entry) => decodeMetadata(entry.text));

/** The metadata of an entry, decoded once and alone. */
export function metadataOf(entry: Entry): ObjectMeta {
  return metadatas.of(entry);
}

/** Whether the text holds the name of one of the collector's finalizers: almost none does, so almost none is decoded. */
export function mayBeHeld({ text }: Entry): boolean {
  return mayHaveFinalizers(text) && (text.includes(`"${FOREGROUND}"`) || text.includes(`"${ORPHAN}"`));
}

export function isBeingDeletedBy(metadata: ObjectMeta, finalizer: string): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(finalizer) === true;
}
