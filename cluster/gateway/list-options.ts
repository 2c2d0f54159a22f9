import { forbidden, notSupported } from "../../actors/kinds/field-error.ts";
import type { FieldError } from "../../actors/kinds/status.ts";
import { isTrue } from "./route.ts";

/** The parameters of lists and watches, read but not yet weighed. Source: metav1.ListOptions. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** 0: no limit. */
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly timeout_s: number | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}

/** A parameter that is no number; `message` is what Go's strconv says, which clients see. */
export interface BadNumber {
  readonly message: string;
}

/** Which state of the store a list shows. */
export type ListState =
  /** The newest committed one: a consistent read. */
  | { readonly state: "newest" }
  /** Whatever the replica has. */
  | { readonly state: "any" }
  | { readonly state: "at-least"; readonly revision: number }
  | { readonly state: "exactly"; readonly revision: number };

/** Where a watch starts: first the objects that exist (as ADDED events), or only what happens after a revision. */
export type WatchStart =
  | { readonly from: "state"; readonly state: ListState; readonly bookmarkAfter: boolean }
  | { readonly from: "now" }
  | { readonly from: "revision"; readonly revision: number };

const UNSIGNED = /^[0-9]+$/;
const INTEGER = /^[+-]?[0-9]+$/;

const NO_OPTIONS: ListOptions = {
  labelSelector: "",
  fieldSelector: "",
  limit: 0,
  continue: "",
  resourceVersion: "",
  resourceVersionMatch: "",
  timeout_s: undefined,
  allowWatchBookmarks: false,
  sendInitialEvents: undefined,
};

export function parseListOptions(query: URLSearchParams): ListOptions | BadNumber {
  if (query.size === 0) return NO_OPTIONS;
  const limit = integerOf(query.get("limit"));
  if (typeof limit === "string") return { message: limit };
  const timeout_s = integerOf(query.get("timeoutSeconds"));
  if (typeof timeout_s === "string") return { message: timeout_s };
  const sendInitialEvents = query.get("sendInitialEvents");
  return {
    labelSelector: query.get("labelSelector") ?? "",
    fieldSelector: query.get("fieldSelector") ?? "",
    limit: Math.max(0, limit ?? 0),
    continue: query.get("continue") ?? "",
    resourceVersion: query.get("resourceVersion") ?? "",
    resourceVersionMatch: query.get("resourceVersionMatch") ?? "",
    timeout_s,
    allowWatchBookmarks: isTrue(query.get("allowWatchBookmarks")),
    sendInitialEvents: sendInitialEvents === null || sendInitialEvents === "" ? undefined : isTrue(sendInitialEvents),
  };
}

function integerOf(text: string | null): number | undefined | string {
  if (text === null || text === "") return undefined;
  return INTEGER.test(text) ? Number(text) : `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`;
}

/** A resource version as a revision; undefined when it is none. */
export function revisionOf(resourceVersion: string): number | undefined {
  const revision = UNSIGNED.test(resourceVersion) ? Number(resourceVersion) : Number.NaN;
  return Number.isSafeInteger(revision) ? revision : undefined;
}

/** Go's words for a resource version that is no number. */
export function badRevisionMessage(resourceVersion: string): string {
  const quoted = JSON.stringify(resourceVersion);
  return `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: invalid syntax`;
}

/** What contradicts itself in the options. Source: apimachinery's ValidateListOptions. */
export function validateListOptions(options: ListOptions, watch: boolean): FieldError[] {
  return watch ? validateWatch(options) : validateList(options);
}

const MATCH = "resourceVersionMatch";

function validateWatch(options: ListOptions): FieldError[] {
  const { resourceVersionMatch: match, sendInitialEvents } = options;
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && match !== "NotOlderThan") {
    errors.push(forbidden(MATCH, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (match === "") return errors;
  if (sendInitialEvents === undefined) {
    errors.push(forbidden(MATCH, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
  }
  if (match !== "NotOlderThan") errors.push(notSupported(MATCH, match, ["NotOlderThan"]));
  if (options.continue !== "") errors.push(forbidden(MATCH, "resourceVersionMatch is forbidden when continue is provided"));
  return errors;
}

function validateList(options: ListOptions): FieldError[] {
  const { resourceVersionMatch: match, resourceVersion } = options;
  const errors: FieldError[] = [];
  if (match !== "") {
    if (resourceVersion === "") errors.push(forbidden(MATCH, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    if (options.continue !== "") errors.push(forbidden(MATCH, "resourceVersionMatch is forbidden when continue is provided"));
    if (match !== "Exact" && match !== "NotOlderThan") errors.push(notSupported(MATCH, match, ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && resourceVersion === "0") {
      errors.push(forbidden(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (options.sendInitialEvents !== undefined) errors.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return errors;
}

/**
 * The state that a list without `continue` shows; undefined when the resource version is no number. Source: the table under "Resource
 * versions" of the API concepts page.
 */
export function listState(options: ListOptions): ListState | undefined {
  if (options.resourceVersion === "") return { state: "newest" };
  const revision = revisionOf(options.resourceVersion);
  if (revision === undefined) return undefined;
  if (revision === 0) return { state: "any" };
  const exact = options.resourceVersionMatch === "Exact" || (options.resourceVersionMatch === "" && options.limit > 0);
  return { state: exact ? "exactly" : "at-least", revision };
}

/** Where a watch with these options starts; undefined when the resource version is no number. */
export function watchStart(options: ListOptions): WatchStart | undefined {
  const revision = options.resourceVersion === "" ? 0 : revisionOf(options.resourceVersion);
  if (revision === undefined) return undefined;
  const newest: ListState = options.resourceVersion === "" ? { state: "newest" } : { state: "any" };
  if (options.sendInitialEvents === true) {
    const state: ListState = revision === 0 ? newest : { state: "at-least", revision };
    return { from: "state", state, bookmarkAfter: options.allowWatchBookmarks };
  }
  if (revision > 0) return { from: "revision", revision };
  return options.sendInitialEvents === false ? { from: "now" } : { from: "state", state: newest, bookmarkAfter: false };
}
