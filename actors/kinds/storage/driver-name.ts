import { invalid, required, tooLong } from "../field-error.ts";
import { DNS_LABEL_BYTES_MAX, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";

/** A driver's name: a domain in any case, as short as a label. Source: ValidateCSIDriverName. */
export function validateDriverName(name: string | undefined, field: string): FieldError[] {
  if (!name) return [required(field)];
  const errors = name.length > DNS_LABEL_BYTES_MAX ? [tooLong(field, DNS_LABEL_BYTES_MAX)] : [];
  return [...errors, ...dnsSubdomain(name.toLowerCase()).map((message) => invalid(field, name, message))];
}
