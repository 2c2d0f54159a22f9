/** What the driver keeps of a pod. */
export interface LoadPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly created_ms: number;
}

export interface SeenPod {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly pod: LoadPod;
}

interface PodObject {
  readonly metadata: { readonly uid: string; readonly namespace: string; readonly name: string; readonly creationTimestamp: string };
}

/**
 * Reads a line of a watch of pods, several times faster than by parsing it. In JSON a quote inside a string is always escaped, so `"name":"` is a key and
 * the start of its value, and the first of them is that of the metadata, which comes before spec and status; the other members of metadata are looked
 * for after it. A server that prints with spaces, or otherwise than that, is read by parsing.
 */
export function readPodLine(line: string): SeenPod | "error" | undefined {
  const type = TYPES.find((one) => line.startsWith(one, TYPE_AT));
  const name = type === undefined ? undefined : member(line, '"name":"', 0);
  const namespace = name === undefined ? undefined : member(line, '"namespace":"', name.end);
  const uid = name === undefined ? undefined : member(line, '"uid":"', name.end);
  const created = name === undefined ? undefined : member(line, '"creationTimestamp":"', name.end);
  if (type === undefined || name === undefined || namespace === undefined || uid === undefined || created === undefined) return parse(line);
  return { type, pod: { uid: uid.text, namespace: namespace.text, name: name.text, created_ms: Date.parse(created.text) } };
}

export function readPodObject(item: unknown): LoadPod {
  const { uid, namespace, name, creationTimestamp } = (item as PodObject).metadata;
  return { uid, namespace, name, created_ms: Date.parse(creationTimestamp) };
}

const TYPES = ["ADDED", "MODIFIED", "DELETED"] as const;
const TYPE_AT = '{"type":"'.length;

function parse(line: string): SeenPod | "error" | undefined {
  const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: unknown };
  if (type === "ERROR") return "error";
  const known = TYPES.find((one) => one === type);
  return known === undefined ? undefined : { type: known, pod: readPodObject(object) };
}

function member(line: string, key: string, from: number): { readonly text: string; readonly end: number } | undefined {
  const at = line.indexOf(key, from);
  if (at < 0) return undefined;
  const end = line.indexOf('"', at + key.length);
  // Flattened, so that it does not keep the line alive.
  return end < 0 ? undefined : { text: Buffer.from(line.slice(at + key.length, end), "latin1").toString("latin1"), end };
}
