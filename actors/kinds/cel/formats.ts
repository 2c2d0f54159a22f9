/** Named formats that texts can be checked against. Source: k8s.io/apiserver/pkg/cel/library/format.go. */
import { type Environment, Optional } from "@marcbachmann/cel-js";
import { hasFormat } from "../custom/formats.ts";
import { asPrefix, dns1035Label, dnsLabel, dnsSubdomain, labelValue, type NameRule, qualifiedName } from "../names.ts";

class CelFormat {
  readonly rule: NameRule;
  constructor(rule: NameRule) {
    this.rule = rule;
  }
}

/** What `format.` stands for. */
class FormatNamespace {}

function formatted(name: string, words: string): NameRule {
  return (text) => (hasFormat(name, text) ? [] : [words]);
}

const FORMATS: Readonly<Record<string, CelFormat>> = {
  dns1123Label: new CelFormat(dnsLabel),
  dns1123Subdomain: new CelFormat(dnsSubdomain),
  dns1035Label: new CelFormat(dns1035Label),
  qualifiedName: new CelFormat(qualifiedName),
  dns1123LabelPrefix: new CelFormat((text) => asPrefix(dnsLabel, text)),
  dns1123SubdomainPrefix: new CelFormat((text) => asPrefix(dnsSubdomain, text)),
  dns1035LabelPrefix: new CelFormat((text) => asPrefix(dns1035Label, text)),
  labelValue: new CelFormat(labelValue),
  uri: new CelFormat((text) => (hasFormat("uri", text) ? [] : [`parse ${JSON.stringify(text)}: invalid URI for request`])),
  uuid: new CelFormat(formatted("uuid", "does not match the UUID format")),
  byte: new CelFormat(formatted("byte", "invalid base64")),
  date: new CelFormat(formatted("date", "invalid date")),
  datetime: new CelFormat(formatted("datetime", "invalid datetime")),
};

export function addFormats(env: Environment): void {
  env.registerType("kubernetes.NamedFormat", CelFormat);
  env.registerType("FormatNamespace", FormatNamespace);
  env.registerConstant("format", "FormatNamespace", new FormatNamespace());
  for (const [name, format] of Object.entries(FORMATS)) {
    env.registerFunction(`FormatNamespace.${name}(): kubernetes.NamedFormat`, () => format);
  }
  env.registerFunction("FormatNamespace.named(string): optional<kubernetes.NamedFormat>", (_format: unknown, name: string) =>
    Object.hasOwn(FORMATS, name) ? Optional.of(FORMATS[name]) : Optional.none(),
  );
  env.registerFunction("kubernetes.NamedFormat.validate(string): optional<list<string>>", ({ rule }: CelFormat, text: string) => {
    const wrong = rule(text);
    return wrong.length === 0 ? Optional.none() : Optional.of(wrong);
  });
}
