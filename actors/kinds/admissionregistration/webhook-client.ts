/** Where webhooks of all kinds are reached. Source: apiserver's pkg/util/webhook/validation.go. */
import { invalid, required } from "../field-error.ts";
import type { AdmissionregistrationWebhookClientConfig } from "../generated/types.ts";
import { dnsSubdomain, portNumber } from "../names.ts";
import type { FieldError } from "../status.ts";

export const WEBHOOK_PORT = 443;

export function validateClient({ url, service }: AdmissionregistrationWebhookClientConfig, field: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) return [required(field, "exactly one of url or service is required")];
  if (url !== undefined) return validateUrl(url, `${field}.url`);
  const { name = "", namespace = "", path = "", port = WEBHOOK_PORT } = service ?? {};
  const at = `${field}.service`;
  // Kubernetes names one where it misses the other.
  return [
    ...(namespace === "" ? [required(`${at}.name`)] : []),
    ...(name === "" ? [required(`${at}.namespace`)] : []),
    ...portNumber(port).map((words) => invalid(`${at}.port`, port, `port is not valid: ${words}`)),
    ...validatePath(path, `${at}.path`),
  ];
}

function validatePath(path: string, field: string): FieldError[] {
  if (path === "/" || path === "") return [];
  if (path === "//") return [invalid(field, path, "segment[0] may not be empty")];
  const errors = path.startsWith("/") ? [] : [invalid(field, path, "must start with a '/'")];
  const steps = path.slice(1).replace(/\/$/, "").split("/");
  return [
    ...errors,
    ...steps.flatMap((step, index) => {
      if (step === "") return [invalid(field, path, `segment[${index}] may not be empty`)];
      return dnsSubdomain(step).map((words) => invalid(field, path, `segment[${index}]: ${words}`));
    }),
  ];
}

const DESIRED = "; desired format: https://host[/path]";
/** The parts of a URL, as far as Go's parser tells them apart. */
const URL_PARTS = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?:([^/?#@]*)@)?([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s;

function validateUrl(text: string, field: string): FieldError[] {
  const [, scheme = "", user, host = "", query = "", fragment = ""] = URL_PARTS.exec(text) ?? [];
  const wrong = wrongUrl(text, host);
  if (wrong !== undefined) return [required(field, `url must be a valid URL: parse ${JSON.stringify(text)}: ${wrong}${DESIRED}`)];
  const errors: FieldError[] = [];
  if (scheme.toLowerCase() !== "https")
    errors.push(invalid(field, scheme.toLowerCase(), `'https' is the only allowed URL scheme${DESIRED}`));
  if (host === "") errors.push(invalid(field, "", `host must be specified${DESIRED}`));
  if (user !== undefined) errors.push(invalid(field, user, "user information is not permitted in the URL"));
  if (fragment !== "") errors.push(invalid(field, fragment, "fragments are not permitted in the URL"));
  if (query !== "") errors.push(invalid(field, query, "query parameters are not permitted in the URL"));
  return errors;
}

/** Why Go's parser takes a text for no URL, as far as people write such. */
function wrongUrl(text: string, host: string): string | undefined {
  if (/\p{Cc}/u.test(text)) return "net/url: invalid control character in URL";
  if (text.startsWith(":")) return "missing protocol scheme";
  if (/^[^/?#]*:/.test(text) && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) return "first path segment in URL cannot contain colon";
  const badEscape = /%(?![0-9A-Fa-f]{2}).{0,2}/s.exec(text)?.[0];
  if (badEscape !== undefined) return `invalid URL escape ${JSON.stringify(badEscape)}`;
  const space = /[ <>"]/.exec(host)?.[0];
  if (space !== undefined) return `invalid character ${JSON.stringify(space)} in host name`;
  const port = /:([^:\]]*)$/.exec(host)?.[1];
  return port !== undefined && !/^\d*$/.test(port) ? `invalid port ${JSON.stringify(`:${port}`)} after host` : undefined;
}
