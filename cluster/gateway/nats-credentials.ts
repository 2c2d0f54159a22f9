import { badRequest, resourceNotFound } from "../../actors/kinds/errors.ts";
import { dnsSubdomain } from "../../actors/kinds/names.ts";
import type { Identity } from "../access/identity.ts";
import { issueCredentials, readCredentialsRequest, userKeyOf } from "../nats/credentials.ts";
import { issueMemberCredentials } from "../nats/members.ts";
import type { Answer } from "./answer.ts";
import { type GatewayContext, untilNewest } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import { postedJson } from "./posted-json.ts";

/** `POST /troupe/nats-credentials`: whoever asks gets credentials for NATS that are worth what their roles are. */
export async function natsCredentials(context: GatewayContext, exchange: Exchange, identity: Identity): Promise<Answer> {
  const { nats, access, clock } = context;
  if (nats === undefined) throw resourceNotFound();
  const asked = readCredentialsRequest(await postedJson(exchange));
  return { type: "value", code: 201, value: await issueCredentials(nats, access, identity, asked, clock.now_ms()) };
}

/** `POST /troupe/member-credentials`: a machine becomes part of the cluster, or goes on being it. */
export async function memberCredentials(context: GatewayContext, exchange: Exchange, identity: Identity): Promise<Answer> {
  const { nats: door, view, registry, clock } = context;
  if (door === undefined) throw resourceNotFound();
  const { node, publicKey } = (await postedJson(exchange)) as Record<string, unknown>;
  if (typeof node !== "string" || dnsSubdomain(node).length > 0) throw badRequest("node is no name of a Node");
  const asked = { node, publicKey: userKeyOf(publicKey) };
  await untilNewest(context);
  return { type: "value", code: 201, value: await issueMemberCredentials({ view, registry, door }, identity, asked, clock.now_ms()) };
}
