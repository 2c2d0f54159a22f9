import { invalid, required, tooLong } from "../field-error.ts";
import { DNS_LABEL_BYTES_MAX, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";

/** A driver's name: a domain in any case, as short as a label. Source: ValidateCSIDriverName. */
export function validateDriverName(name: string, field: string): FieldError[] {
  const errors = name === "" ? [required(field)] : [];
  if (name.length > DNS_LABEL_BYTES_MAX) errors.push(tooLong(field, DNS_LABEL_BYTES_MAX));
  return [...errors, ...dnsSubdomain(name.toLowerCase()).map((message) => invalid(field, name, message))];
}
