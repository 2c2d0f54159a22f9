/** What things of devices are called, and rules that lists and maps of them have in common. Source: pkg/apis/resource/validation, and types.go of pkg/apis/resource. */
import { duplicate, invalid, required, tooLong, tooMany } from "../field-error.ts";
import { namedBy } from "../field-rules.ts";
import { DNS_LABEL_BYTES_MAX, DNS_SUBDOMAIN_BYTES_MAX, dnsLabel, dnsSubdomain, regexWords } from "../names.ts";
import type { FieldError } from "../status.ts";
import { validateDriverName } from "../storage/driver-name.ts";

export const ATTRIBUTES_AND_CAPACITIES_MAX = 32;
export const ATTRIBUTE_BYTES_MAX = 64;
export const DOMAIN_BYTES_MAX: number = DNS_LABEL_BYTES_MAX;
export const IDENTIFIER_BYTES_MAX = 32;
const NAME_BYTES_MAX: number = DOMAIN_BYTES_MAX + 1 + IDENTIFIER_BYTES_MAX;
const IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*";
const IDENTIFIER_RE = new RegExp(`^${IDENTIFIER}$`);
const IDENTIFIER_WORDS: string = regexWords(
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  IDENTIFIER,
  ...["my_name", "MY_NAME", "MyName"],
);

/** The rule of a name that must be there; an empty one breaks it, too. */
export function labelNamed(name: string | undefined, field: string): FieldError[] {
  return dnsLabel(name ?? "").map((words) => invalid(field, name ?? "", words));
}

export function classNamed(name: string | undefined, field: string): FieldError[] {
  return name ? namedBy(dnsSubdomain, name, field) : [required(field)];
}

export function validateDriver(name: string | undefined, field: string): FieldError[] {
  return validateDriverName(name ?? "", field);
}

/** Domains that are set off by slashes. */
export function validatePoolName(name: string | undefined, field: string): FieldError[] {
  if (!name) return [required(field)];
  const errors = name.length > DNS_SUBDOMAIN_BYTES_MAX ? [tooLong(field, DNS_SUBDOMAIN_BYTES_MAX)] : [];
  return [...errors, ...name.split("/").flatMap((part) => dnsSubdomain(part).map((words) => invalid(field, part, words)))];
}

function validateIdentifier(id: string, field: string): FieldError[] {
  const errors = Buffer.byteLength(id) > IDENTIFIER_BYTES_MAX ? [tooLong(field, IDENTIFIER_BYTES_MAX)] : [];
  return IDENTIFIER_RE.test(id) ? errors : [...errors, invalid(field, id, IDENTIFIER_WORDS)];
}

/** `name`, which is the driver's own, or `domain/name`. What has more slashes nobody looks at. */
function validateQualifiedName(name: string, field: string): FieldError[] {
  if (name === "") return [required(field, "name required")];
  const [first = "", second, ...more] = name.split("/");
  if (second === undefined) return validateIdentifier(first, field);
  if (more.length > 0) return [];
  return [
    ...(first === "" ? [required(field, "the domain must not be empty")] : validateDriverName(first, field)),
    ...(second === "" ? [required(field, "the name must not be empty")] : validateIdentifier(second, field)),
  ];
}

export function validateFullyQualifiedName(name: string, field: string): FieldError[] {
  const errors = validateQualifiedName(name, field);
  return name !== "" && !name.includes("/") ? [...errors, invalid(field, name, "must include a domain")] : errors;
}

type ItemRule<T> = (item: T, field: string) => readonly FieldError[];

export function validateList<T>(items: readonly T[] | undefined, count_max: number, rule: ItemRule<T>, field: string): FieldError[] {
  if (items === undefined) return [];
  const errors = items.flatMap((item, index) => rule(item, `${field}[${index}]`));
  return items.length > count_max ? [...errors, tooMany(field, items.length, count_max)] : errors;
}

/** A list in which nothing is there twice. `shown` is how a key is printed; `part` where it stands in an item. */
export function validateSet<T>(
  items: readonly T[] | undefined,
  count_max: number,
  rule: ItemRule<T>,
  keyOf: (item: T) => string,
  field: string,
  part = "",
  shown: (key: string) => unknown = (key) => key,
): FieldError[] {
  const errors = validateList(items, count_max, rule, field);
  const seen = new Set<string>();
  for (const [index, item] of (items ?? []).entries()) {
    const key = keyOf(item);
    if (seen.has(key)) errors.push(duplicate(`${field}[${index}]${part}`, shown(key)));
    seen.add(key);
  }
  return errors;
}

/** Maps by the names of attributes. */
export function validateNamed<T>(values: Readonly<Record<string, T>> | undefined, rule: ItemRule<T>, field: string): FieldError[] {
  return Object.entries(values ?? {}).flatMap(([name, value]) => {
    const path = `${field}[${shortened(name)}]`;
    return [...validateQualifiedName(name, path), ...rule(value, path)];
  });
}

/** Names that are far too long are cut in the middle where they are shown. */
function shortened(name: string): string {
  if (name.length <= NAME_BYTES_MAX) return name;
  const left = NAME_BYTES_MAX - "...".length;
  return `${name.slice(0, Math.floor((left + 1) / 2))}...${name.slice(name.length - Math.floor(left / 2))}`;
}
