import { headers, type NatsConnection } from "nats";
import type { Kind } from "../../actors/kinds/kind.ts";
import { resourceOf } from "../../actors/kinds/kind.ts";
import type { KindTable } from "../../actors/kinds/kinds.ts";
import type { Registry } from "../../actors/registry/registry.ts";
import type { Change, Entry, Subscription, View } from "../../actors/store/view.ts";
import type { Logger } from "../../runtime/mod.ts";
import { wholeObject } from "../gateway/object-text.ts";
import { watchSubject } from "../nats/subjects.ts";
import type { PreferredVersion } from "./asked.ts";

/**
 * Headers of an event. The three that begin with `Previous` say after which revision it is the next one, of all events of its resource, of those in its
 * namespace, of those of its object: whoever has heard all before that revision has missed nothing.
 */
export const EVENT_HEADERS = {
  type: "Type",
  revision: "Resource-Version",
  inResource: "Previous-In-Resource",
  inNamespace: "Previous-In-Namespace",
  ofObject: "Previous-Of-Object",
} as const;

type Pattern = readonly string[];

export interface PublishedEventsOptions {
  readonly connection: NatsConnection;
  readonly view: View;
  readonly kinds: KindTable;
  readonly registry: Registry;
  readonly preferred: PreferredVersion;
  readonly log: Logger;
}

/**
 * Publishes what becomes of objects, once for all who listen, and only of resources and namespaces in which somebody does. What was not published is not
 * hidden: the first event after says after which revision it is the next one, and what was before that is asked for (gateway/replay.ts).
 */
export class PublishedEvents {
  readonly #options: PublishedEventsOptions;
  readonly #channels = new Map<string, Channel>();

  constructor(options: PublishedEventsOptions) {
    this.#options = options;
  }

  /** Publishes from now on what these patterns hear, and nothing else. */
  listen(patterns: readonly Pattern[]): void {
    const heard = patterns.length === 0 ? [] : this.#watchable();
    const wanted = new Map<string, readonly Pattern[]>();
    for (const kind of heard) {
      const [, , group = "", resource = ""] = subjectOf(kind, "", "").split(".");
      const own = patterns.filter((pattern) => takes(pattern[0], group) && (pattern[0] === ALL || takes(pattern[1], resource)));
      if (own.length === 0) continue;
      const key = `${group}.${resource}`;
      wanted.set(key, own);
      const channel = this.#channels.get(key);
      if (channel?.kind === kind) continue;
      channel?.close();
      this.#channels.set(key, new Channel(this.#options, kind));
    }
    for (const [key, channel] of this.#channels) {
      const own = wanted.get(key);
      if (own !== undefined) {
        channel.listen(own);
        continue;
      }
      channel.close();
      this.#channels.delete(key);
    }
  }

  /** A kind for each resource that can be watched, in its preferred version. */
  #watchable(): readonly Kind[] {
    const { kinds, preferred } = this.#options;
    return kinds.all().filter(({ group, version, plural, verbs }) => verbs.includes("watch") && preferred(group, plural) === version);
  }
}

/** The events of one resource. */
class Channel {
  readonly kind: Kind;
  readonly #options: PublishedEventsOptions;
  readonly #subscription: Subscription;
  /** Of what was before, this channel knows nothing. */
  readonly #begin: number;
  /** The last event, published or not. */
  #inResource: number;
  readonly #inNamespace = new Map<string, number>();
  /** Where somebody listens; undefined: everywhere. */
  #namespaces: ReadonlySet<string> | undefined;
  /** Versions that a webhook converts go out in order, each when it has answered. */
  #converting: Promise<void> = Promise.resolve();

  constructor(options: PublishedEventsOptions, kind: Kind) {
    this.#options = options;
    this.kind = kind;
    this.#begin = options.view.revision;
    this.#inResource = this.#begin;
    this.#subscription = options.view.watch(resourceOf(kind), this.#begin, (change) => this.#apply(change));
  }

  listen(patterns: readonly Pattern[]): void {
    const namespaces = patterns.map((pattern) => (pattern.includes(ALL) && pattern.indexOf(ALL) <= 2 ? ANY : pattern[2]));
    this.#namespaces = namespaces.includes(ANY) ? undefined : new Set(namespaces.map(String));
  }

  close(): void {
    this.#subscription.cancel();
  }

  #apply({ now, before, revision }: Change): void {
    const entry = (now ?? before) as Entry;
    const [namespace, name] = placeOf(this.kind, entry.key);
    const inResource = this.#inResource;
    const inNamespace = this.#inNamespace.get(namespace) ?? this.#begin;
    this.#inResource = revision;
    this.#inNamespace.set(namespace, revision);
    const subject = subjectOf(this.kind, namespace, name);
    if (this.#namespaces?.has(subject.split(".")[4] ?? "") === false) return;
    const head = headers();
    head.append(EVENT_HEADERS.type, now === undefined ? "DELETED" : before === undefined ? "ADDED" : "MODIFIED");
    head.append(EVENT_HEADERS.revision, String(revision));
    head.append(EVENT_HEADERS.inResource, String(inResource));
    head.append(EVENT_HEADERS.inNamespace, String(inNamespace));
    head.append(EVENT_HEADERS.ofObject, String(before?.revision ?? inNamespace));
    const publish = (shown: Entry): void =>
      this.#options.connection.publish(subject, wholeObject(this.kind, shown, revision), { headers: head });
    if (this.kind.custom?.conversion === undefined) publish(entry);
    else this.#converting = this.#converting.then(() => this.#converted(entry, publish));
  }

  /** What cannot be converted is left out, and missed by whoever hears the next. */
  async #converted(entry: Entry, publish: (entry: Entry) => void): Promise<void> {
    const { registry, log } = this.#options;
    try {
      const [served = entry] = await registry.served(this.kind, [entry]);
      publish(served);
    } catch (error) {
      log.debug({ error: String(error), key: entry.key }, "an event could not be converted for who listens by NATS");
    }
  }
}

const ANY = "*";
const ALL = ">";

function takes(token: string | undefined, value: string): boolean {
  return token === value || token === ANY || token === ALL;
}

function subjectOf({ group, plural }: Kind, namespace: string, name: string): string {
  return watchSubject({ group, resource: plural, namespace, name });
}

/** Namespace, empty where there is none, and name. */
function placeOf({ namespaced, ...kind }: Kind, key: string): readonly [string, string] {
  const rest = key.slice(resourceOf(kind as Kind).length + 1);
  if (!namespaced) return ["", rest];
  const slash = rest.indexOf("/");
  return [rest.slice(0, slash), rest.slice(slash + 1)];
}
