/** The subjects of docs/nats.md, as a client builds them. */

/** A resource as kubectl names it: `pods`, `deployments.apps`; with a subresource `pods/log`, `deployments.apps/scale`. */
export function requestSubject(verb: string, resource: string, namespace = "", name = ""): string {
  return `troupe.api.${verb}.${place(resource)}.${namespace || "_"}.${name === "" ? "_" : nameTokens(name)}`;
}

/** What hears of one object, of those of a namespace, or of all. */
export function watchSubject(resource: string, namespace = "", name = ""): string {
  return `troupe.watch.${place(resource)}.${namespace || (name === "" ? "*" : "_")}.${name === "" ? ">" : nameTokens(name)}`;
}

function place(resource: string): string {
  const [whole = "", subresource] = resource.split("/");
  const dot = whole.indexOf(".");
  const [plural, group] = dot < 0 ? [whole, ""] : [whole.slice(0, dot), whole.slice(dot + 1)];
  return `${group === "" ? "core" : group.replaceAll(".", "_")}.${plural}${subresource === undefined ? "" : `/${subresource}`}`;
}

/** The dots of a name are those of the subject, unless they would make an empty token; what NATS reads as more than a letter is escaped. */
function nameTokens(name: string): string {
  const text = encodeURIComponent(name).replaceAll("%3A", ":").replaceAll("*", "%2A");
  return name.split(".").includes("") ? text.replaceAll(".", "%2E") : text;
}
