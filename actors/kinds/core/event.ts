import { invalid, required } from "../field-error.ts";
import type { Event } from "../generated/types.ts";
import type { Cell, Kind } from "../kind.ts";
import { dnsSubdomain, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { column, NAME_COLUMN, since, UNKNOWN, wideColumn } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";

function sourceOf(event: Event): string {
  const component = event.source?.component || event.reportingComponent || "";
  const host = event.source?.component ? event.source.host : event.source?.host || event.reportingInstance;
  return host ? `${component}, ${host}` : component;
}

/** Last Seen, Type, Reason, Object, Subobject, Source, Message, First Seen, Count, Name. Source: printEvent. */
function cells(event: Event, now_ms: number): readonly Cell[] {
  const first = event.firstTimestamp ? since(event.firstTimestamp, now_ms) : since(event.eventTime, now_ms);
  const last = event.lastTimestamp ? since(event.lastTimestamp, now_ms) : first;
  const { series } = event;
  const seen = series === undefined ? last : series.lastObservedTime ? since(series.lastObservedTime, now_ms) : UNKNOWN;
  const { kind = "", name = "", fieldPath = "" } = event.involvedObject;
  return [
    seen,
    event.type ?? "",
    event.reason ?? "",
    name === "" ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`,
    fieldPath,
    sourceOf(event),
    (event.message ?? "").trim(),
    first,
    series === undefined ? event.count || 1 : (series.count ?? 0),
    event.metadata.name,
  ];
}

const NAME_CHARS_MAX = 128;
const NOTE_CHARS_MAX = 1_024;

function tooManyChars(value: string | undefined, chars_max: number, field: string): FieldError[] {
  return Buffer.byteLength(value ?? "") > chars_max ? [invalid(field, "", `can have at most ${chars_max} characters`)] : [];
}

function requiredText(value: string | undefined, field: string): FieldError[] {
  return value ? tooManyChars(value, NAME_CHARS_MAX, field) : [required(field)];
}

/** Whether the namespace of what an event is about may be another than its own. */
function isElsewhere({ eventTime, involvedObject, metadata }: Event): boolean {
  const about = involvedObject?.namespace ?? "";
  const own = metadata.namespace ?? "";
  if (about !== "") return !eventTime && about !== own;
  return own !== "default" && !(eventTime && own === "kube-system");
}

/** `reporter` is what the version of the API calls who reports. Source: legacyValidateEvent. */
export function validateEvent(event: Event, reporter: string): FieldError[] {
  const { eventTime, involvedObject, metadata, reportingComponent = "", reportingInstance, action, reason, message } = event;
  const errors: FieldError[] = [];
  if (isElsewhere(event)) {
    errors.push(invalid("involvedObject.namespace", involvedObject?.namespace ?? "", "does not match event.namespace"));
  }
  if (eventTime) {
    errors.push(
      ...(reportingComponent === "" ? [required(reporter)] : []),
      ...qualifiedName(reportingComponent).map((words) => invalid(reporter, reportingComponent, words)),
      ...requiredText(reportingInstance, "reportingInstance"),
      ...requiredText(action, "action"),
      ...requiredText(reason, "reason"),
      ...tooManyChars(message, NOTE_CHARS_MAX, "message"),
    );
  }
  return [...errors, ...dnsSubdomain(metadata.namespace ?? "").map((words) => invalid("namespace", metadata.namespace ?? "", words))];
}

/** The fields by which events of either group are selected. */
const SELECTABLE: Kind<Event>["selectableFields"] = {
  "involvedObject.kind": (event) => event.involvedObject.kind ?? "",
  "involvedObject.namespace": (event) => event.involvedObject.namespace ?? "",
  "involvedObject.name": (event) => event.involvedObject.name ?? "",
  "involvedObject.uid": (event) => event.involvedObject.uid ?? "",
  "involvedObject.apiVersion": (event) => event.involvedObject.apiVersion ?? "",
  "involvedObject.resourceVersion": (event) => event.involvedObject.resourceVersion ?? "",
  "involvedObject.fieldPath": (event) => event.involvedObject.fieldPath ?? "",
  reason: (event) => event.reason ?? "",
  reportingComponent: (event) => event.reportingComponent ?? "",
  source: (event) => event.source?.component || event.reportingComponent || "",
  type: (event) => event.type ?? "",
};

export const EventKind: Kind<Event> = {
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  singular: "event",
  shortNames: ["ev"],
  categories: [],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [],
  schema: "io.k8s.api.core.v1.Event",
  createsOnUpdate: true,
  validate: (event) => validateEvent(event, "reportingComponent"),
  updateChecks: ["content"],
  columns: [
    column("Last Seen", "When it was seen last"),
    column("Type", "Normal or Warning"),
    column("Reason", "Why, in a word for machines"),
    column("Object", "What it is about"),
    wideColumn("Subobject", "Which part of the object"),
    wideColumn("Source", "Who reports it"),
    column("Message", "Why, for people"),
    wideColumn("First Seen", "When it was seen first"),
    wideColumn("Count", "How often it was seen"),
    { ...NAME_COLUMN, priority: 1 },
  ],
  cells,
  selectableFields: SELECTABLE,
};
