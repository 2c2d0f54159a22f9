import { dayOf, isNewUse, LAST_USED } from "../../../actors/controllers/accounts/legacy-tokens.ts";
import { SecretKind } from "../../../actors/kinds/core/secret.ts";
import type { Secret } from "../../../actors/kinds/generated/types.ts";
import { APISERVER } from "../../../actors/registry/authors.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import type { Clock, Logger } from "../../../runtime/mod.ts";

/** Keeps track of the use of tokens that live in secrets, in their labels, once a day each. Nobody waits for it. Source: patchSecretWithLastUsedDate. */
export class LegacyTokenUse {
  readonly #registry: () => Pick<Registry, "modify">;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Keys of the secrets that are being written. */
  readonly #writing = new Set<string>();

  constructor(registry: () => Pick<Registry, "modify">, clock: Clock, log: Logger) {
    this.#registry = registry;
    this.#clock = clock;
    this.#log = log;
  }

  used({ metadata: { namespace, name, uid, labels } }: Secret): void {
    const key = `${namespace}/${name}`;
    const now_ms = this.#clock.now_ms();
    if (!isNewUse(labels?.[LAST_USED], now_ms) || this.#writing.has(key)) return;
    this.#writing.add(key);
    const marked = (secret: Secret): Secret | undefined =>
      secret.metadata.uid === uid
        ? { ...secret, metadata: { ...secret.metadata, labels: { ...secret.metadata.labels, [LAST_USED]: dayOf(now_ms) } } }
        : undefined;
    this.#registry()
      .modify(SecretKind, namespace, name, marked, { fieldManager: "kube-apiserver", author: APISERVER })
      .catch((error: unknown) => this.#log.warn({ secret: key, error: String(error) }, "the use of a token could not be written down"))
      .finally(() => this.#writing.delete(key));
  }
}
