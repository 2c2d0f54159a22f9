import { createHash } from "node:crypto";
import type { CSIDriver, CSIStorageCapacity, StorageClass } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import { CSIDriverKind } from "../../kinds/storage/csi-driver.ts";
import { CSIStorageCapacityKind } from "../../kinds/storage/csi-storage-capacity.ts";
import { StorageClassKind } from "../../kinds/storage/storage-class.ts";
import { CONTROLLER_CAPABILITY } from "../../node/csi/numbers.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { create, modify, newMeta, remove } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { VOLUMES } from "../volumes/provisioning.ts";
import { parametersForDriver } from "./class-parameters.ts";
import { type ControllerPlugin, Delays, type HearOfPlugins, heardOf } from "./controller-plugin.ts";
import { quantityOf } from "./csi-provisioner.ts";
import { placesOf, type Segments } from "./topology.ts";

const CLASSES = "storageclasses.storage.k8s.io";
const CAPACITIES = "csistoragecapacities.storage.k8s.io";
const NAMESPACE = "kube-system";
const DRIVER_LABEL = "csi.storage.k8s.io/drivername";
const MANAGER_LABEL = "csi.storage.k8s.io/managed-by";
const MANAGER = "troupe";
/** What is free changes without a word. Source: external-provisioner's --capacity-poll-interval. */
const POLL_MS = 60_000;

/**
 * Asks drivers how much room there is for volumes of each class that waits for its pods, wherever the driver's nodes are, so that the scheduler finds nodes with room: what external-provisioner
 * does beside a driver that has `--enable-capacity`. It asks those whose CSIDriver says `storageCapacity`, each minute and when a volume has come or gone. What it wrote and is no longer so
 * goes; what others wrote stays. Source: external-provisioner's pkg/capacity.
 */
export function csiCapacity(hearOf: HearOfPlugins | undefined): Controller {
  const { plugins, more } = heardOf(hearOf, [
    { resource: CLASSES, keys: ({ now, before }) => [(now ?? before)?.key ?? ""] },
    { resource: "csidrivers.storage.k8s.io", keys: (_change, view) => classKeys(view) },
    { resource: "csinodes.storage.k8s.io", keys: (_change, view) => classKeys(view) },
    // Volumes take room, and give it back; what else becomes of them does not.
    { resource: VOLUMES, keys: ({ now, before }, view) => (now === undefined || before === undefined ? classKeys(view) : NO_KEYS) },
  ]);
  const delays = new Delays();
  return {
    name: "csi-capacity",
    component: "csi-provisioner",
    author: controllerAccount("csi-provisioner"),
    watches: [],
    ...more,
    reconcile(view, key, now_ms) {
      const wait = delays.wait(key, now_ms);
      if (wait !== undefined) return [wait];
      const storageClass = view.get<StorageClass>(key);
      const plugin = storageClass === undefined ? undefined : plugins.get(storageClass.provisioner);
      const written = writtenFor(view, key.slice(CLASSES.length + 1));
      if (storageClass === undefined || plugin === undefined || !isAsked(view, plugin, storageClass))
        return written.map((capacity) => remove(CSIStorageCapacityKind, capacity));
      const work = async (): Promise<readonly Action[]> => {
        try {
          const actions = await told(view, plugin, storageClass, written);
          delays.done(key);
          return actions;
        } catch {
          // What was known is more than nothing.
          return [delays.failed(key, now_ms)];
        }
      };
      return [{ do: "work", work }];
    },
    resync: { period_ms: POLL_MS, keys: (view) => (plugins.size === 0 ? NO_KEYS : classKeys(view)) },
  };
}

function classKeys(view: View): readonly string[] {
  return view.list(CLASSES).map(({ key }) => key);
}

function writtenFor(view: View, className: string): readonly CSIStorageCapacity[] {
  return view
    .list(CAPACITIES)
    .map((entry) => view.decode<CSIStorageCapacity>(entry))
    .filter(({ storageClassName, metadata }) => storageClassName === className && metadata.labels?.[MANAGER_LABEL] === MANAGER);
}

/** Volumes that are made at once are made without looking at nodes. */
function isAsked(view: View, { driver, capabilities }: ControllerPlugin, { volumeBindingMode }: StorageClass): boolean {
  if (!capabilities.has(CONTROLLER_CAPABILITY.capacity) || volumeBindingMode !== "WaitForFirstConsumer") return false;
  return view.get<CSIDriver>(keyFor(CSIDriverKind, undefined, driver))?.spec.storageCapacity === true;
}

/** Throws what the driver says. */
async function told(
  view: View,
  plugin: ControllerPlugin,
  storageClass: StorageClass,
  written: readonly CSIStorageCapacity[],
): Promise<readonly Action[]> {
  const parameters = parametersForDriver(storageClass.parameters ?? {});
  const wanted = await Promise.all(
    placesOf(view, plugin.driver).map(async (segments) => {
      const accessibleTopology = Object.keys(segments).length === 0 ? undefined : { segments };
      const { availableCapacity, maximumVolumeSize } = await plugin.socket.controller("GetCapacity", { parameters, accessibleTopology });
      const largest = maximumVolumeSize === null ? {} : { maximumVolumeSize: quantityOf(maximumVolumeSize.value) };
      return capacityOf(plugin.driver, storageClass, segments, { capacity: quantityOf(availableCapacity), ...largest });
    }),
  );
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  const gone = written.filter(({ metadata }) => !names.has(metadata.name));
  return [...gone.map((capacity) => remove(CSIStorageCapacityKind, capacity)), ...wanted.flatMap((capacity) => put(written, capacity))];
}

function put(written: readonly CSIStorageCapacity[], wanted: CSIStorageCapacity): readonly Action[] {
  const before = written.find(({ metadata }) => metadata.name === wanted.metadata.name);
  if (before === undefined) return [create(CSIStorageCapacityKind, wanted)];
  if (before.capacity === wanted.capacity && before.maximumVolumeSize === wanted.maximumVolumeSize) return NOTHING;
  return [
    modify(CSIStorageCapacityKind, before, ({ capacity: _capacity, maximumVolumeSize: _largest, ...rest }) => ({
      ...rest,
      ...room(wanted),
    })),
  ];
}

function room({ capacity, maximumVolumeSize }: Pick<CSIStorageCapacity, "capacity" | "maximumVolumeSize">): object {
  return { ...(capacity === undefined ? {} : { capacity }), ...(maximumVolumeSize === undefined ? {} : { maximumVolumeSize }) };
}

/** It is called by what it is about, so that it is written once, whatever has been seen of it yet. */
function capacityOf(
  driver: string,
  { metadata: { name, uid } }: StorageClass,
  segments: Segments,
  amounts: Pick<CSIStorageCapacity, "capacity" | "maximumVolumeSize">,
): CSIStorageCapacity {
  const about = JSON.stringify([driver, uid, Object.entries(segments).sort(([a], [b]) => (a < b ? -1 : 1))]);
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: CSIStorageCapacityKind.kind,
    metadata: newMeta({
      name: `csisc-${createHash("sha256").update(about).digest("hex").slice(0, 10)}`,
      namespace: NAMESPACE,
      labels: { [DRIVER_LABEL]: driver, [MANAGER_LABEL]: MANAGER },
      ownerReferences: [{ apiVersion: "storage.k8s.io/v1", kind: StorageClassKind.kind, name, uid }],
    }),
    storageClassName: name,
    nodeTopology: { matchLabels: { ...segments } },
    ...amounts,
  };
}
