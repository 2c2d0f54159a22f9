import { forbidden, resourceNotFound } from "../../actors/kinds/errors.ts";
import { type Identity, nodeOf } from "../access/identity.ts";
import { issueCredentials, readCredentialsRequest } from "../nats/credentials.ts";
import type { Answer } from "./answer.ts";
import type { GatewayContext } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import { postedJson } from "./posted-json.ts";

/** `POST /troupe/nats-credentials`: whoever asks gets credentials for NATS that are worth what their roles are. */
export async function natsCredentials(context: GatewayContext, exchange: Exchange, identity: Identity): Promise<Answer> {
  const { nats, access, clock } = context;
  if (nats === undefined) throw resourceNotFound();
  // What nodes may they may by the API, where each object is looked at.
  if (nodeOf(identity) !== undefined) throw forbidden(undefined, "", "nodes have no credentials for NATS");
  const asked = readCredentialsRequest(await postedJson(exchange));
  return { type: "value", code: 201, value: await issueCredentials(nats, access, identity, asked, clock.now_ms()) };
}
