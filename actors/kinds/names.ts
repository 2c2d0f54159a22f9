/**
 * The formats of names, labels and ports. Each function returns what is wrong, in Kubernetes' words; an empty list when all is well.
 * Source: k8s.io/apimachinery/pkg/util/validation.
 */
export const DNS_LABEL_BYTES_MAX = 63;
export const DNS_SUBDOMAIN_BYTES_MAX = 253;
export const QUALIFIED_NAME_BYTES_MAX = 63;
export const PORT_NAME_BYTES_MAX = 15;

const QUALIFIED_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${QUALIFIED_NAME})?`;
const DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const DNS_SUBDOMAIN = `${DNS_LABEL}(\\.${DNS_LABEL})*`;
const SEARCH_LABEL = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const SEARCH_DOMAIN = `${SEARCH_LABEL}(\\.${SEARCH_LABEL})*`;
const DNS_1035_LABEL = "[a-z]([-a-z0-9]*[a-z0-9])?";

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
const QUALIFIED_NAME_RE = whole(QUALIFIED_NAME);
const LABEL_VALUE_RE = whole(LABEL_VALUE);
const DNS_LABEL_RE = whole(DNS_LABEL);
const DNS_SUBDOMAIN_RE = whole(DNS_SUBDOMAIN);
const SEARCH_DOMAIN_RE = whole(SEARCH_DOMAIN);
const DNS_1035_LABEL_RE = whole(DNS_1035_LABEL);

const QUALIFIED_NAME_WORDS =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** `... (e.g. 'a',  or 'b', regex used for validation is '...')`. Source: validation.RegexError. */
export function regexWords(message: string, pattern: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`;
  return `${message} (e.g. ${examples.map((example) => `'${example}', `).join(" or ")}regex used for validation is '${pattern}')`;
}

/** Kubernetes counts bytes and calls them characters. Source: validation.MaxLenError. */
export function maxLengthWords(bytes_max: number): string {
  return `must be no more than ${bytes_max} characters`;
}

export function rangeWords(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

const EMPTY_WORDS = "must be non-empty";

/** Bytes, as Go counts; names that may pass are ASCII, so only what fails anyway is measured the slow way. */
function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

export function qualifiedName(value: string): string[] {
  const slash = value.indexOf("/");
  const errors: string[] = [];
  let name = value;
  if (slash >= 0) {
    name = value.slice(slash + 1);
    if (name.includes("/")) {
      const words = regexWords(QUALIFIED_NAME_WORDS, QUALIFIED_NAME, "MyName", "my.name", "123-abc");
      return [`a qualified name ${words} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
    }
    const prefix = value.slice(0, slash);
    if (prefix === "") errors.push(`prefix part ${EMPTY_WORDS}`);
    else for (const message of dnsSubdomain(prefix)) errors.push(`prefix part ${message}`);
  }
  if (name === "") errors.push(`name part ${EMPTY_WORDS}`);
  else if (name.length > QUALIFIED_NAME_BYTES_MAX) errors.push(`name part ${maxLengthWords(QUALIFIED_NAME_BYTES_MAX)}`);
  if (!QUALIFIED_NAME_RE.test(name)) {
    errors.push(`name part ${regexWords(QUALIFIED_NAME_WORDS, QUALIFIED_NAME, "MyName", "my.name", "123-abc")}`);
  }
  return errors;
}

export function labelValue(value: string): string[] {
  const errors: string[] = [];
  if (bytesOf(value) > QUALIFIED_NAME_BYTES_MAX) errors.push(maxLengthWords(QUALIFIED_NAME_BYTES_MAX));
  if (!LABEL_VALUE_RE.test(value)) {
    const words = `a valid label must be an empty string or consist of ${QUALIFIED_NAME_WORDS.slice("must consist of ".length)}`;
    errors.push(regexWords(words, LABEL_VALUE, "MyValue", "my_value", "12345"));
  }
  return errors;
}

export function dnsLabel(value: string): string[] {
  const errors: string[] = [];
  if (value.length > DNS_LABEL_BYTES_MAX) errors.push(maxLengthWords(DNS_LABEL_BYTES_MAX));
  if (!DNS_LABEL_RE.test(value)) {
    const words =
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
    errors.push(DNS_SUBDOMAIN_RE.test(value) ? "must not contain dots" : regexWords(words, DNS_LABEL, "my-name", "123-abc"));
  }
  return errors;
}

export function dnsSubdomain(value: string): string[] {
  const errors: string[] = [];
  if (value.length > DNS_SUBDOMAIN_BYTES_MAX) errors.push(maxLengthWords(DNS_SUBDOMAIN_BYTES_MAX));
  if (!DNS_SUBDOMAIN_RE.test(value)) {
    const words =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
    errors.push(regexWords(words, DNS_SUBDOMAIN, "example.com"));
  }
  return errors;
}

/** A domain that resolvers look in, which may have underscores. Source: IsDNS1123SubdomainWithUnderscore. */
export function searchDomain(value: string): string[] {
  const errors: string[] = [];
  if (value.length > DNS_SUBDOMAIN_BYTES_MAX) errors.push(maxLengthWords(DNS_SUBDOMAIN_BYTES_MAX));
  if (!SEARCH_DOMAIN_RE.test(value)) {
    const words =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
    errors.push(regexWords(words, SEARCH_DOMAIN, "example.com"));
  }
  return errors;
}

export function dns1035Label(value: string): string[] {
  const errors: string[] = [];
  if (value.length > DNS_LABEL_BYTES_MAX) errors.push(maxLengthWords(DNS_LABEL_BYTES_MAX));
  if (!DNS_1035_LABEL_RE.test(value)) {
    const words =
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
    errors.push(regexWords(words, DNS_1035_LABEL, "my-name", "abc-123"));
  }
  return errors;
}

/** `http`, `web-1`: at most 15 of `[-a-z0-9]`, with a letter, and hyphens only single and inside. */
export function portName(value: string): string[] {
  const errors: string[] = [];
  if (value.length > PORT_NAME_BYTES_MAX) errors.push(maxLengthWords(PORT_NAME_BYTES_MAX));
  if (!/^[-a-z0-9]+$/.test(value)) errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) errors.push("must contain at least one letter (a-z)");
  if (value.includes("--")) errors.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
}

export function portNumber(value: number): string[] {
  return value >= 1 && value <= 65535 ? [] : [rangeWords(1, 65535)];
}

/** `25%`. */
export function percent(value: string): string[] {
  if (/^[0-9]+%$/.test(value)) return [];
  return [regexWords("a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%", "1%", "93%")];
}

/** A key of a ConfigMap or a Secret. */
export function configMapKey(value: string): string[] {
  if (value.length > DNS_SUBDOMAIN_BYTES_MAX) return [maxLengthWords(DNS_SUBDOMAIN_BYTES_MAX)];
  if (!/^[-._a-zA-Z0-9]+$/.test(value)) {
    const words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    return [regexWords(words, "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name")];
  }
  if (value === ".") return ["must not be '.'"];
  if (value === "..") return ["must not be '..'"];
  if (value.startsWith("..")) return ["must not start with '..'"];
  return [];
}

/** How the names of a kind's objects must look. */
export type NameRule = (value: string) => string[];

/** A rule for a `generateName`, to which a suffix will be added, so it may end with a dash. Source: validation.maskTrailingDash. */
export function asPrefix(rule: NameRule, prefix: string): string[] {
  return rule(prefix.length > 1 && prefix.endsWith("-") ? `${prefix.slice(0, -2)}a` : prefix);
}

/** A name that can stand in a URL: the rule of kinds whose names have no other. Source: path.ValidatePathSegmentName. */
export function pathSegment(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((character) => value.includes(character)).map((character) => `may not contain '${character}'`);
}

const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const HTTP_PATH_RE: RegExp = whole(HTTP_PATH);

/** What comes after the domain in `example.com/thing`. */
export function domainPath(value: string): string[] {
  return HTTP_PATH_RE.test(value) ? [] : [regexWords("Invalid path", HTTP_PATH)];
}

const WILDCARD = `\\*\\.${DNS_SUBDOMAIN}`;
const WILDCARD_RE: RegExp = whole(WILDCARD);

/** `*.example.com`. Source: validation.IsWildcardDNS1123Subdomain. */
export function wildcardDnsSubdomain(value: string): string[] {
  const errors: string[] = [];
  if (value.length > DNS_SUBDOMAIN_BYTES_MAX) errors.push(maxLengthWords(DNS_SUBDOMAIN_BYTES_MAX));
  if (!WILDCARD_RE.test(value)) {
    const words =
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
    errors.push(regexWords(words, WILDCARD, "*.example.com"));
  }
  return errors;
}
