import { type Actor, type ActorKind, type Address, addressOf, type Context, unknownMessage } from "../../../runtime/mod.ts";
import type { Ingress, IngressClass, Secret, Service } from "../../kinds/generated/types.ts";
import type { EventRecorder } from "../../registry/event-recorder.ts";
import type { Key } from "../../store/transaction.ts";
import type { Change, Subscription } from "../../store/view.ts";
import { KeptDoor } from "../listening/kept-door.ts";
import { tellNotListening } from "../listening/troubles.ts";
import type { Viewpoint } from "../loopback-reach.ts";
import { indexSlices, SLICES, serviceOfSlice, slicesOf } from "../service-slices.ts";
import { IngressDoor, Routing } from "./ingress-door.ts";
import { INGRESS_CLASS, type IngressWorld, remembering, routingTableOf } from "./ingress-rules.ts";
import { NO_ROUTES } from "./routing-table.ts";

/**
 * The ingress of this machine, address `ingress/main`. It promises that requests at its ports go where the ingresses of its class lead, as the view
 * has it at the end of each batch of changes; and where the ports of HTTP cannot be had, that it says so and listens at others meanwhile.
 */
export type IngressMessage =
  | { readonly type: "start" }
  /** From itself: something has changed that matters. */
  | { readonly type: "changed" }
  /** From itself: nobody can listen at this port. */
  | { readonly type: "cannotListen"; readonly port: number; readonly code: string };

export const INGRESS_ADDRESS: Address = addressOf("ingress", "main");

const INGRESSES = "ingresses.networking.k8s.io";
const CLASSES = "ingressclasses.networking.k8s.io";
/** By whether it is by TLS: the port that everybody knows, and the one for those who may not have it. */
const PORTS = [
  { secure: false, port: 80, instead: 8_080 },
  { secure: true, port: 443, instead: 8_443 },
] as const;
const MAILBOX_MESSAGES = 1_024;

export interface IngressOptions extends Viewpoint {
  readonly recorder: Pick<EventRecorder, "event">;
  /** Where it listens. */
  readonly address: string;
}

export function createIngressKind(options: IngressOptions): ActorKind<IngressMessage> {
  return {
    kind: "ingress",
    mailboxCapacity: MAILBOX_MESSAGES,
    supervision: { strategy: "restart", backoff_ms: 100, backoff_max_ms: 10_000 },
    activate: (context) => new IngressActor(context, options),
  };
}

class IngressActor implements Actor<IngressMessage> {
  readonly #context: Context<IngressMessage>;
  readonly #options: IngressOptions;
  readonly #routing = new Routing(NO_ROUTES);
  readonly #world: IngressWorld;
  readonly #subscriptions: readonly Subscription[];
  readonly #doors = new Map<number, KeptDoor>();
  /** What the table rests on, beside the ingresses. */
  #restsOn: ReadonlySet<Key> = new Set();
  #hasChanged = true;
  /** A `changed` message is on its way. */
  #told = false;

  constructor(context: Context<IngressMessage>, options: IngressOptions) {
    this.#context = context;
    this.#options = options;
    const { view } = options;
    indexSlices(view);
    this.#world = {
      ingressClass: (name) => view.get<IngressClass>(`${CLASSES}/${name}`),
      service: (namespace, name) => view.get<Service>(`services/${namespace}/${name}`),
      slices: (namespace, service) => slicesOf(options, namespace, service),
      secret: (namespace, name) => view.get<Secret>(`secrets/${namespace}/${name}`),
    };
    const since = view.revision;
    const whole = (): void => {
      this.#hasChanged = true;
    };
    const partly = ({ now, before }: Change): void => this.#touched((now ?? before)?.key);
    this.#subscriptions = [
      view.watch(INGRESSES, since, whole),
      ...["services", "secrets", CLASSES].map((resource) => view.watch(resource, since, partly)),
      view.watch(SLICES, since, ({ now, before }) => {
        for (const entry of [now, before]) if (entry !== undefined) this.#touched(serviceOfSlice(entry));
      }),
      view.afterBatch(() => this.#tellSelf()),
    ];
    for (const { secure, port } of PORTS) this.#listen(port, secure);
    this.#tellSelf();
  }

  receive(message: IngressMessage): void {
    switch (message.type) {
      case "start":
        break;
      case "changed":
        this.#told = false;
        this.#look();
        break;
      case "cannotListen":
        this.#cannotListen(message.port, message.code);
        break;
      default:
        unknownMessage(message);
    }
  }

  movesWith(): IngressMessage {
    return { type: "start" };
  }

  stopped(): void {
    for (const subscription of this.#subscriptions) subscription.cancel();
    for (const door of this.#doors.values()) door.shut();
    this.#routing.agent.destroy();
  }

  #touched(key: Key | undefined): void {
    if (key !== undefined && this.#restsOn.has(key)) this.#hasChanged = true;
  }

  #tellSelf(): void {
    if (this.#told || !this.#hasChanged) return;
    this.#told = true;
    this.#context.tell<IngressMessage>(this.#context.self, { type: "changed" });
  }

  #look(): void {
    this.#hasChanged = false;
    const { view } = this.#options;
    const asked = new Set<Key>();
    const ingresses = view.list(INGRESSES).map((entry) => view.decode<Ingress>(entry));
    this.#routing.change(routingTableOf(ingresses, remembering(this.#world, asked)));
    this.#restsOn = asked;
  }

  #listen(port: number, secure: boolean): void {
    if (this.#doors.has(port)) return;
    const { clock, self } = this.#context;
    const make = (): IngressDoor => new IngressDoor({ address: this.#options.address, port, secure, routing: this.#routing });
    const failed = (code: string): void => this.#context.tell<IngressMessage>(self, { type: "cannotListen", port, code });
    this.#doors.set(port, new KeptDoor(clock, make, failed));
  }

  #cannotListen(port: number, code: string): void {
    const { view, recorder, address } = this.#options;
    const other = PORTS.find((one) => one.port === port);
    const metadata = view.get<IngressClass>(`${CLASSES}/${INGRESS_CLASS}`)?.metadata;
    const object = metadata && { kind: "IngressClass", apiVersion: "networking.k8s.io/v1", metadata };
    tellNotListening({ log: this.#context.log, recorder }, object, {
      what: `the ingress cannot listen at ${address}:${port}`,
      port,
      code,
      meanwhile: other === undefined ? "trying again" : `listening at ${address}:${other.instead} meanwhile, and trying again`,
    });
    if (other !== undefined) this.#listen(other.instead, other.secure);
  }
}
