/** A field that differs between two states of an object. */
export interface Change {
  /** From the root: names of fields, and numbers of items. */
  readonly path: readonly (string | number)[];
  /** Undefined: it was not there. */
  readonly before: unknown;
  /** Undefined: it is not there any more. */
  readonly after: unknown;
}

/** What differs, field by field, down to where one of the two has nothing to go into. */
export function changesBetween(before: unknown, after: unknown, path: readonly (string | number)[] = []): readonly Change[] {
  if (Object.is(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, at) => changesBetween(before[at], after[at], [...path, at])).flat();
  }
  if (isRecord(before) && isRecord(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => changesBetween(own(before, name), own(after, name), [...path, name]));
  }
  return [{ path, before, after }];
}

/** Whether two changes are about the same field, or one about a part of the other's. */
export function concernTheSame(a: Change, b: Change): boolean {
  const length = Math.min(a.path.length, b.path.length);
  return a.path.slice(0, length).every((step, at) => step === b.path[at]);
}

/** A path as Kubernetes writes it: `spec.containers[0].image`. */
export function pathWords(path: readonly (string | number)[]): string {
  return path
    .map((step, at) => (typeof step === "number" ? `[${step}]` : /[./]/.test(step) ? `[${step}]` : at === 0 ? step : `.${step}`))
    .join("");
}

/** The steps of a path as Kubernetes writes it in its errors: `spec.template.metadata.labels[app.kubernetes.io/name]`, `containers[0].image`. */
export function stepsOf(words: string): readonly (string | number)[] {
  return [...words.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map(([whole, inner]) => {
    const step = inner ?? whole;
    const text = step.replace(/^"(.*)"$/, "$1");
    return /^\d+$/.test(text) && inner !== undefined ? Number(text) : text;
  });
}

/** Names of fields are anybody's: `constructor` is one, too. */
function own(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
