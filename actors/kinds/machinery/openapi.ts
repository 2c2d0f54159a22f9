/** The OpenAPI documents that clients read: `kubectl explain` and `kubectl apply` version 3, older clients version 2. */
import type { Kind } from "../kind.ts";
import { PathWriter } from "./openapi-paths.ts";
import type { OpenApiSchema, OpenApiVersion } from "./openapi-schemas.ts";
import { SchemaSet } from "./openapi-schemas.ts";

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";
const INFO: object = { title: "Kubernetes", version: "v1.34.0" };

/** Kinds that only subresources speak. */
const SUBRESOURCE_SCHEMAS: Readonly<Record<string, string>> = {
  "/v1/Binding": "io.k8s.api.core.v1.Binding",
  "autoscaling/v1/Scale": "io.k8s.api.autoscaling.v1.Scale",
  "policy/v1/Eviction": "io.k8s.api.policy.v1.Eviction",
  "authentication.k8s.io/v1/TokenRequest": "io.k8s.api.authentication.v1.TokenRequest",
};

function schemaOfSubresource(gvk: { group: string; version: string; kind: string }): string {
  return SUBRESOURCE_SCHEMAS[`${gvk.group}/${gvk.version}/${gvk.kind}`] ?? `${META}.Status`;
}

interface Parts {
  readonly paths: Record<string, unknown>;
  readonly schemas: Record<string, OpenApiSchema>;
}

function partsOf(kinds: readonly Kind[], version: OpenApiVersion): Parts {
  const set = new SchemaSet(version);
  const paths = new PathWriter(version);
  for (const kind of kinds) {
    set.addKind(kind, kind.verbs.includes("list"));
    for (const { gvk, connects } of kind.subresources) {
      if (gvk !== undefined && connects !== true) set.addKind({ ...gvk, schema: schemaOfSubresource(gvk) }, false);
    }
    paths.addKind(kind, schemaOfSubresource);
  }
  for (const name of ["DeleteOptions", "Status"]) set.addNamed(`${META}.${name}`);
  set.schemas[`${META}.Patch`] = { type: "object", description: "A patch in one of the formats that the media type names." };
  return { paths: sorted(paths.paths), schemas: sorted(set.schemas) };
}

function sorted<T>(map: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The OpenAPI 3 document of one group and version. Source of the form: /openapi/v3/apis/apps/v1 of Kubernetes 1.34. */
export function openApiV3(kinds: readonly Kind[], group: string, version: string): object {
  const { paths, schemas } = partsOf(
    kinds.filter((kind) => kind.group === group && kind.version === version),
    3,
  );
  return { openapi: "3.0.0", info: INFO, paths, components: { schemas } };
}

/** The Swagger 2.0 document of everything. */
export function openApiV2(kinds: readonly Kind[]): object {
  const { paths, schemas } = partsOf(kinds, 2);
  return { swagger: "2.0", info: INFO, paths, definitions: schemas };
}
