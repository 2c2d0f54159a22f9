/** What a request takes, in seats. Source: apiserver's pkg/util/flowcontrol/request of Kubernetes 1.34.9, with its features as they are by default. */
import { charactersOf } from "../../../actors/kinds/text.ts";
import type { Entry, View } from "../../../actors/store/view.ts";
import type { Clock } from "../../../runtime/mod.ts";
import type { ResourceRequest } from "../route.ts";
import { isTrue } from "../route.ts";
import type { WatchCounts } from "./watch-counts.ts";

export interface Work {
  /** While it is worked on. */
  readonly seats: number;
  /** When it is answered, for `additional_ms`: watchers are told of it then. */
  readonly finalSeats: number;
  readonly additional_ms: number;
}

export const ONE_SEAT: Work = { seats: 1, finalSeats: 0, additional_ms: 0 };

const LIST_SEATS_MAX = 100;
const MUTATING_SEATS_MAX = 10;
const BYTES_PER_SEAT = 100_000;
/** Lists are written piece by piece: no more than this of one is in memory at once. */
const LIST_BYTES_MAX = 1_000_000;
const WATCHES_PER_SEAT = 10;
/** Of one seat, for so many watches. */
const EVENT_MS = 5;
/** How long a measured size of objects holds. */
const SIZE_FOR_MS = 60_000;
/** Objects that are looked at for it. */
const SIZE_SAMPLE_COUNT = 32;

/** The seats of one request at most: a level's own share bounds it. Source: finishQueueSetReconfigsLocked in apf_controller.go. */
export function seatsMax(nominal: number, handSize: number): number {
  return Math.max(1, Math.min(Math.ceil(nominal * 0.15), Math.floor(nominal / handSize)));
}

export class WorkEstimator {
  readonly #view: View;
  readonly #clock: Clock;
  readonly #watches: WatchCounts;
  readonly #sizes = new Map<string, { readonly bytes: number; readonly until_ms: number }>();

  constructor(view: View, clock: Clock, watches: WatchCounts) {
    this.#view = view;
    this.#clock = clock;
    this.#watches = watches;
  }

  /** `most`: the seats that its level gives one request, 0 if that is not bounded. */
  of(info: ResourceRequest, most: number): Work {
    switch (info.verb) {
      case "list":
        return this.#list(info, most);
      case "watch":
        return isTrue(info.query.get("sendInitialEvents")) ? this.#list(info, most) : ONE_SEAT;
      case "create":
      case "update":
      case "patch":
      case "delete":
        return this.#mutating(info, most);
      default:
        return ONE_SEAT;
    }
  }

  #list(info: ResourceRequest, most: number): Work {
    const resource = info.group === "" ? info.resource : `${info.resource}.${info.group}`;
    const count = this.#view.count(resource);
    // Of one object it is a get.
    if (count === 0 || info.name !== "") return ONE_SEAT;
    const limit = Number(info.query.get("limit") ?? 0);
    const objects = limit > 0 ? Math.min(limit, count) : count;
    const bytes = Math.min(objects * this.#bytesOf(resource), LIST_BYTES_MAX);
    const bound = most === 0 ? LIST_SEATS_MAX : Math.min(most, LIST_SEATS_MAX);
    return { ...ONE_SEAT, seats: Math.max(1, Math.min(Math.ceil(bytes / BYTES_PER_SEAT), bound)) };
  }

  /** What an object of this resource has on average, as its text. */
  #bytesOf(resource: string): number {
    const now_ms = this.#clock.monotonic_ms();
    const known = this.#sizes.get(resource);
    if (known !== undefined && now_ms < known.until_ms) return known.bytes;
    const entries = this.#view.list(resource);
    const step = Math.max(1, Math.floor(entries.length / SIZE_SAMPLE_COUNT));
    let [sum, looked] = [0, 0];
    for (let index = 0; index < entries.length; index += step) {
      sum += charactersOf(entries[index] as Entry);
      looked++;
    }
    const bytes = looked === 0 ? 0 : sum / looked;
    this.#sizes.set(resource, { bytes, until_ms: now_ms + SIZE_FOR_MS });
    return bytes;
  }

  #mutating(info: ResourceRequest, most: number): Work {
    // Nobody is told of a token.
    if (info.resource === "serviceaccounts" && info.subresource === "token") return ONE_SEAT;
    const watches = this.#watches.interestedIn(info);
    if (watches < WATCHES_PER_SEAT) return ONE_SEAT;
    const wanted = Math.ceil(watches / WATCHES_PER_SEAT);
    const finalSeats = Math.min(wanted, most === 0 ? MUTATING_SEATS_MAX : Math.min(most, MUTATING_SEATS_MAX));
    return { seats: 1, finalSeats, additional_ms: (wanted * EVENT_MS) / finalSeats };
  }
}
