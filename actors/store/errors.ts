/** No writer or no replica could answer within the deadline. Whether a proposal was applied is then unknown. Kubernetes: 503 ServiceUnavailable. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

/** A stored text is over OBJECT_BYTES_MAX, or a transaction over what one batch holds. Kubernetes: 500 in etcd's words, see `requestTooLarge`. */
export class ObjectTooLarge extends Error {
  override readonly name = "ObjectTooLarge";
}
