import { badRequest } from "../../actors/kinds/errors.ts";
import type { HostSnapshot } from "../../runtime/mod.ts";
import type { HostAnswer, Hosts } from "../observation/hosts.ts";

/** Actors that one host may be asked to name. */
const ACTORS_MAX = 1_000;

/** What /troupe/actors answers: what `troupe actors` reads. */
export interface ActorsPage {
  readonly kind: "ActorList";
  readonly hosts: readonly HostAnswer<HostSnapshot>[];
}

/** The snapshots of all hosts. `?kind=` names actors of one kind only, `?limit=` so many a host at most. Throws a StatusError. */
export async function actorsPage(hosts: Hosts, query: URLSearchParams): Promise<ActorsPage> {
  const kind = query.get("kind");
  const limit = query.get("limit");
  if (limit !== null && !(/^\d+$/.test(limit) && Number(limit) <= ACTORS_MAX)) {
    throw badRequest(`limit: "${limit}" is not a whole number from 0 to ${ACTORS_MAX}`);
  }
  const options = { ...(kind === null ? {} : { kind }), ...(limit === null ? {} : { actors_max: Number(limit) }) };
  return { kind: "ActorList", hosts: await hosts.snapshots(options) };
}
