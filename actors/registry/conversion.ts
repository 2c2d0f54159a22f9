/**
 * Conversion of custom resources by webhook: ConversionReview of apiextensions.k8s.io/v1. Objects are stored as their definition's storage version was when they
 * were written, and say which it was. Source: apiextensions-apiserver's pkg/apiserver/conversion/webhook_converter.go.
 */
import type { Random } from "../../runtime/mod.ts";
import { unclassified } from "../kinds/errors.ts";
import { apiVersionOf, type Kind, type WebhookConversion } from "../kinds/kind.ts";
import type { KubeObject, ObjectMeta } from "../kinds/object.ts";
import { decodeObject, encodeObject, type StoredText, withVersion } from "../kinds/text.ts";
import type { Entry } from "../store/view.ts";
import { type WebhookClient, WebhookFailure, type WebhookTarget } from "./admission/webhooks/webhook-client.ts";

const TIMEOUT_S = 30;
/** Objects of one question: a list of thousands is several. */
const OBJECTS_MAX = 500;
const REVIEW = "ConversionReview";
/** The versions of a review. The older one says the same, and less of its answers is checked. */
const REVIEW_VERSIONS: readonly string[] = ["v1", "v1beta1"];
const CALL = "failed to call webhook: ";

export interface Conversion {
  /** The object of an entry as clients of this kind see it, a private copy. */
  read<T extends KubeObject>(kind: Kind<T>, conversion: WebhookConversion, entry: Entry): Promise<T>;
  /** Entries, each with its text in the version of this kind. */
  served(kind: Kind, conversion: WebhookConversion, entries: readonly Entry[]): Promise<readonly Entry[]>;
  /** An object of this kind as it is stored. */
  stored<T extends KubeObject>(kind: Kind<T>, conversion: WebhookConversion, object: T, managers: string | undefined): Promise<StoredText>;
}

export function createConversion(webhooks: WebhookClient, random: Random): Conversion {
  const convert = async (
    kind: string,
    conversion: WebhookConversion,
    objects: readonly KubeObject[],
    desired: string,
  ): Promise<KubeObject[]> => {
    const done: KubeObject[] = [...objects];
    const places = objects.flatMap(({ apiVersion }, index) => (apiVersion === desired ? [] : [index]));
    for (let from = 0; from < places.length; from += OBJECTS_MAX) {
      const some = places.slice(from, from + OBJECTS_MAX);
      const given = some.map((place) => ({ kind, ...done[place] }) as KubeObject);
      const converted = await ask(webhooks, random, kind, conversion, given, desired);
      for (const [index, place] of some.entries()) done[place] = converted[index] as KubeObject;
    }
    return done;
  };
  const served = async (kind: Kind, conversion: WebhookConversion, entries: readonly Entry[]): Promise<KubeObject[]> => {
    const objects = entries.map(({ text, revision }) => ({ apiVersion: conversion.storage, ...decodeObject(text, revision) }));
    const converted = await convert(kind.kind, conversion, objects, apiVersionOf(kind));
    return converted.map((object) => kind.custom?.asServed(object) ?? object);
  };
  return {
    async read<T extends KubeObject>(kind: Kind<T>, conversion: WebhookConversion, entry: Entry): Promise<T> {
      const [object] = await served(kind as unknown as Kind, conversion, [entry]);
      return object as T;
    },
    async served(kind, conversion, entries) {
      const objects = await served(kind, conversion, entries);
      return entries.map((entry, index) => ({
        key: entry.key,
        revision: entry.revision,
        text: encodeObject(objects[index] as KubeObject),
        managers: entry.managers,
      }));
    },
    async stored(kind, conversion, object, managers) {
      const own = { ...object, apiVersion: apiVersionOf(kind) };
      const [stored = own] = await convert(kind.kind, conversion, [own], conversion.storage);
      return { text: withVersion(encodeObject(stored), conversion.storage), managers };
    },
  };
}

async function ask(
  webhooks: WebhookClient,
  random: Random,
  kind: string,
  { client, reviewVersions }: WebhookConversion,
  objects: readonly KubeObject[],
  desiredAPIVersion: string,
): Promise<readonly KubeObject[]> {
  const [first] = objects;
  const failed = (why: string): Error => unclassified(`conversion webhook for ${first?.apiVersion ?? ""}, Kind=${kind} ${why}`);
  const version = reviewVersions.find((one) => REVIEW_VERSIONS.includes(one));
  if (version === undefined) throw failed("failed: no supported conversion review versions");
  const apiVersion = `apiextensions.k8s.io/${version}`;
  const uid = random.uuid();
  const body = JSON.stringify({ kind: REVIEW, apiVersion, request: { uid, desiredAPIVersion, objects } });
  let review: unknown;
  try {
    review = await webhooks.post(client as WebhookTarget, body, TIMEOUT_S);
  } catch (error) {
    if (error instanceof WebhookFailure)
      throw failed(`failed: ${error.message.startsWith(CALL) ? error.message.slice(CALL.length) : error.message}`);
    throw error;
  }
  const converted = convertedIn(review, version === "v1" ? { uid, apiVersion } : undefined);
  if (typeof converted === "string") throw failed(`failed: ${converted}`);
  if (converted.length !== objects.length) throw failed(`returned ${converted.length} objects, expected ${objects.length}`);
  return converted.map((object, index) => {
    const given = objects[index] as KubeObject;
    const wrong = problemOf(object, given, desiredAPIVersion);
    if (wrong !== undefined) throw failed(`returned invalid converted object at index ${index}: ${wrong}`);
    return withOwnMetadata(object as KubeObject, given);
  });
}

/** What was converted, or what is wrong with the answer. `asked`: what it is to answer, where that is checked. */
function convertedIn(
  review: unknown,
  asked: { readonly uid: string; readonly apiVersion: string } | undefined,
): readonly unknown[] | string {
  const { kind, apiVersion, response } = (review ?? {}) as {
    readonly kind?: unknown;
    readonly apiVersion?: unknown;
    readonly response?: {
      readonly uid?: unknown;
      readonly convertedObjects?: unknown;
      readonly result?: { status?: unknown; message?: unknown };
    };
  };
  if (asked !== undefined && (kind !== REVIEW || apiVersion !== asked.apiVersion)) {
    const spelled = (version: unknown, name: unknown): string => `${String(version ?? "")}, Kind=${String(name ?? "")}`;
    return `expected webhook response of ${spelled(asked.apiVersion, REVIEW)}, got ${spelled(apiVersion, kind)}`;
  }
  if (typeof response !== "object" || response === null) return "no response provided";
  if (asked !== undefined && response.uid !== asked.uid)
    return `expected response.uid=${JSON.stringify(asked.uid)}, got ${JSON.stringify(String(response.uid ?? ""))}`;
  const { status, message } = response.result ?? {};
  if (status !== "Success") {
    return typeof message === "string" && message !== "" ? message : `response.result.status was '${String(status ?? "")}', not 'Success'`;
  }
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : [];
}

function problemOf(object: unknown, given: KubeObject, desired: string): string | undefined {
  if (typeof object !== "object" || object === null || Array.isArray(object)) return "it is no object";
  const { kind, apiVersion, metadata } = object as Partial<KubeObject>;
  if (apiVersion !== desired) return `invalid groupVersion (expected ${desired}, received ${apiVersion ?? ""})`;
  if (kind !== given.kind) return `invalid kind (expected ${given.kind ?? ""}, received ${kind ?? ""})`;
  if (typeof metadata !== "object" || metadata === null) return "missing metadata in converted object";
  for (const [name, words] of [["name", "name"] as const, ["namespace", "namespace"] as const, ["uid", "UID"] as const]) {
    const [before = "", after = ""] = [given.metadata[name], metadata[name]];
    if (before !== after) return `must have the same ${words}: ${before} != ${after}`;
  }
  return undefined;
}

/** Of metadata a webhook has a say in labels and annotations only. */
function withOwnMetadata(object: KubeObject, { metadata }: KubeObject): KubeObject {
  const { labels: _labels, annotations: _annotations, ...own } = metadata;
  const { labels, annotations } = object.metadata;
  const next: ObjectMeta = {
    ...own,
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { ...object, metadata: next };
}
