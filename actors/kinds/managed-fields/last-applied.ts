/**
 * From client-side to server-side apply: kubectl kept what it had applied in an annotation, and it may take its own fields over. Source:
 * apimachinery's lastAppliedManager and lastAppliedUpdater.
 */
import { ConfigurationError, fieldsOf } from "./applied-fields.ts";
import { compare } from "./compare.ts";
import { difference, EMPTY, type FieldSet } from "./field-set.ts";
import type { StructType } from "./typed.ts";

const ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";
/** The only manager that this is done for; who does not want it names another. */
const KUBECTL = "kubectl";

interface Annotated {
  readonly apiVersion?: string;
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
}

/** The fields that kubectl applied before and that are still as it left them. */
export function lastAppliedFields(type: StructType, manager: string, apiVersion: string, live: object): FieldSet {
  const text = (live as Annotated).metadata?.annotations?.[ANNOTATION];
  if (manager !== KUBECTL || text === undefined || text === "") return EMPTY;
  try {
    const last = JSON.parse(text) as object & Annotated;
    if (last.apiVersion !== apiVersion) return EMPTY;
    const { added, modified, removed } = compare(type, last, live);
    return difference(difference(difference(fieldsOf(type, last, "to-check"), modified), added), removed);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ConfigurationError) return EMPTY;
    throw error;
  }
}

/** The annotation that goes with this configuration, where the object has one to be kept in step; undefined where it has none. */
export function nextLastApplied(manager: string, object: object, configuration: object): Readonly<Record<string, string>> | undefined {
  const annotations = (object as Annotated).metadata?.annotations;
  const before = annotations?.[ANNOTATION];
  if (manager !== KUBECTL || before === undefined || before === "") return undefined;
  const { metadata, ...rest } = configuration as Annotated & Record<string, unknown>;
  const { [ANNOTATION]: _itself, ...others } = metadata?.annotations ?? {};
  const kept = metadata?.annotations === undefined ? metadata : { ...metadata, annotations: others };
  return { ...annotations, [ANNOTATION]: `${JSON.stringify({ ...rest, metadata: kept })}\n` };
}
