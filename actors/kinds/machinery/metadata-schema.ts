/** The OpenAPI name of the metadata of all objects. */
export const META_SCHEMA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
