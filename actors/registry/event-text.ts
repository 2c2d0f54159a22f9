import type { ObjectText } from "../kinds/text.ts";
import type { Regarding } from "./event-recorder.ts";
import { timestamp } from "./timestamps.ts";

/** Who records: `default-scheduler`; the kubelet names its node, too. */
export interface EventSource {
  readonly component: string;
  readonly host?: string;
}

/** What an Event says of its object, without the rest of that: Events are remembered for longer than objects are. */
export interface Involved extends Pick<Regarding, "kind" | "apiVersion"> {
  readonly metadata: { readonly [Field in "namespace" | "uid" | "resourceVersion"]?: string | undefined } & { readonly name: string };
  readonly fieldPath?: string | undefined;
}

export function involved({ kind, apiVersion, metadata, fieldPath }: Regarding): Involved {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { kind, apiVersion, metadata: { name, namespace, uid, resourceVersion }, fieldPath };
}

/** One Event and its repetitions so far. */
export interface RecordedEvent {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly about: Involved;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  message: string;
  readonly first_ms: number;
  last_ms: number;
  count: number;
}

/**
 * The stored text of a core/v1 Event, written down directly: what the house itself says needs no defaults and no validation, and four
 * of these come with every pod. Only free text is escaped; names, uids and times have nothing to escape. The same as `encodeObject` of
 * the Event, see the test.
 */
export function eventText(event: RecordedEvent, source: EventSource): ObjectText {
  const { about } = event;
  const { metadata } = about;
  const first = timestamp(event.first_ms);
  const namespace = metadata.namespace === undefined ? "" : `"namespace":"${metadata.namespace}",`;
  // What could not be created has none.
  const uid = metadata.uid === undefined ? "" : `"uid":"${metadata.uid}",`;
  const version = metadata.resourceVersion === undefined ? "" : `,"resourceVersion":"${metadata.resourceVersion}"`;
  const fieldPath = about.fieldPath === undefined ? "" : `,"fieldPath":${JSON.stringify(about.fieldPath)}`;
  const host = source.host === undefined ? "" : `,"host":"${source.host}"`;
  return (`"name":"${event.name}","namespace":"${event.namespace}","uid":"${event.uid}","creationTimestamp":"${first}"},` +
    `"involvedObject":{"kind":"${about.kind}",${namespace}"name":"${metadata.name}",${uid}"apiVersion":"${about.apiVersion}"${version}${fieldPath}},` +
    `"reason":${JSON.stringify(event.reason)},"message":${JSON.stringify(event.message)},` +
    `"source":{"component":"${source.component}"${host}},"firstTimestamp":"${first}","lastTimestamp":"${timestamp(event.last_ms)}",` +
    `"count":${event.count},"type":"${event.type}","eventTime":null,"reportingComponent":"${source.component}","reportingInstance":"${source.host ?? ""}"}`) as ObjectText;
}

const NS_PER_MS = 1_000_000n;

/** client-go names an Event after its object and the nanosecond; `serial` takes the place of what is finer than our clock. */
export function eventName(object: string, now_ms: number, serial: number): string {
  return `${object}.${(BigInt(Math.floor(now_ms)) * NS_PER_MS + BigInt(serial % 1_000_000)).toString(16)}`;
}
