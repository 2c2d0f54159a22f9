import { SecretKind } from "../../kinds/core/secret.ts";
import { ServiceAccountKind } from "../../kinds/core/service-account.ts";
import type { Secret, ServiceAccount } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { CONTROLLER_MANAGER } from "../../registry/authors.ts";
import type { Change, IndexDefinition, View } from "../../store/view.ts";
import { anyKind, modify, remove } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";

const ACCOUNTS = "serviceaccounts";
const SECRETS = "secrets";
const TYPE = "kubernetes.io/service-account-token";
const ACCOUNT = "kubernetes.io/service-account.name";
const ACCOUNT_UID = "kubernetes.io/service-account.uid";

/** Makes tokens that live as long as their secret. */
export interface SecretTokens {
  sign(namespace: string, secret: string, account: { readonly name: string; readonly uid: string }): Promise<string>;
  /** The cluster's CA certificate, PEM. */
  readonly caCertificate: string;
}

const secretsByAccount: IndexDefinition = {
  name: "service-account-tokens:accounts",
  resource: SECRETS,
  values: (object) => {
    const { type, metadata } = object as Secret;
    const account = metadata.annotations?.[ACCOUNT];
    return type !== TYPE || account === undefined ? [] : [`${metadata.namespace}/${account}`];
  },
};

const accountsBySecret: IndexDefinition = {
  name: "service-account-tokens:secrets",
  resource: ACCOUNTS,
  values: ({ metadata, ...account }) =>
    ((account as ServiceAccount).secrets ?? []).map(({ name }) => `${SECRETS}/${metadata.namespace}/${name}`),
};

/**
 * Fills secrets of the type for tokens with a token of the account that they name, and deletes them with it; an account forgets one that is gone. Source:
 * pkg/controller/serviceaccount/tokens_controller.go and https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets
 */
export function serviceAccountTokensController(tokens: SecretTokens): Controller {
  return {
    name: "service-account-tokens",
    component: "serviceaccount-token-controller",
    author: CONTROLLER_MANAGER,
    kind: anyKind(SecretKind),
    indexes: [secretsByAccount, accountsBySecret],
    watches: [
      { resource: SECRETS, keys: keysOfSecret },
      { resource: ACCOUNTS, keys: secretsOfAccount },
    ],
    reconcile: (view, key) => reconcile(tokens, view, key),
  };
}

function keysOfSecret({ now, before }: Change, view: View): readonly string[] {
  const entry = now ?? before;
  return entry === undefined || view.decode<Secret>(entry).type !== TYPE ? NO_KEYS : [entry.key];
}

function secretsOfAccount({ now, before }: Change, view: View): readonly string[] {
  const key = (now ?? before)?.key.slice(`${ACCOUNTS}/`.length) ?? "";
  return view.byIndex(secretsByAccount.name, key).map((entry) => entry.key);
}

function reconcile(tokens: SecretTokens, view: View, key: string): readonly Action[] {
  const secret = view.get<Secret>(key);
  if (secret === undefined) return forgotten(view, key);
  const name = secret.metadata.annotations?.[ACCOUNT];
  if (secret.type !== TYPE || name === undefined) return NOTHING;
  const { namespace = "", annotations = {} } = secret.metadata;
  const account = view.get<ServiceAccount>(`${ACCOUNTS}/${namespace}/${name}`);
  const uid = annotations[ACCOUNT_UID];
  if (account === undefined || (uid !== undefined && uid !== account.metadata.uid)) return [remove(SecretKind, secret)];
  const { uid: ownUid } = account.metadata;
  const { data = {} } = secret;
  const authority = { "ca.crt": base64(tokens.caCertificate) };
  if (uid !== undefined && data.token && data["ca.crt"] === authority["ca.crt"] && data.namespace) return NOTHING;
  return [
    {
      do: "work",
      work: async () => {
        const token = await tokens.sign(namespace, secret.metadata.name, { name, uid: ownUid });
        const filled = { namespace: base64(namespace), token: base64(token) };
        return [
          modify(SecretKind, secret, (current) => ({
            ...current,
            metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, [ACCOUNT_UID]: ownUid } },
            data: { ...filled, ...current.data, ...authority },
          })),
        ];
      },
    },
  ];
}

/** Source: removeSecretReference. */
function forgotten(view: View, secretKey: string): readonly Action[] {
  const { name } = partsOf(secretKey);
  return view.byIndex(accountsBySecret.name, secretKey).map((entry) =>
    modify(ServiceAccountKind, view.decode<ServiceAccount>(entry), ({ secrets = [], ...account }) => {
      const left = secrets.filter((one) => one.name !== name);
      return left.length === 0 ? account : { ...account, secrets: left };
    }),
  );
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
