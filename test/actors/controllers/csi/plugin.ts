import type { Controller } from "../../../../actors/controllers/controller.ts";
import type { ControllerPlugin, HearOfPlugins } from "../../../../actors/controllers/csi/controller-plugin.ts";
import { GrpcFailure } from "../../../../actors/node/grpc/failure.ts";
import { Transcript } from "../transcript.ts";

export const DRIVER = "disks.example";

/** What a driver was asked, and what it answers. */
export interface Asked {
  readonly transcript: Transcript;
  readonly calls: { readonly method: string; readonly request: Record<string, unknown> }[];
  /** Its next answers fail with this code. */
  fails: number | undefined;
}

const ANSWERS: Readonly<Record<string, object>> = {
  CreateVolume: { volume: { volumeId: "h", capacityBytes: 2 ** 31, volumeContext: { at: "x" }, accessibleTopology: [] } },
  ControllerPublishVolume: { publishContext: { device: "/dev/x" } },
  ControllerExpandVolume: { capacityBytes: 2 ** 32, nodeExpansionRequired: true },
};

/** A controller that has heard of one driver. */
export function asked(
  of: (hearOf: HearOfPlugins) => Controller,
  plugin: Partial<Omit<ControllerPlugin, "socket">> = {},
  answers: Readonly<Record<string, object>> = {},
): Asked {
  const told: { calls: Asked["calls"]; fails: number | undefined } = { calls: [], fails: undefined };
  const controller = async (method: string, request: object): Promise<never> => {
    told.calls.push({ method, request: request as Record<string, unknown> });
    if (told.fails !== undefined) throw new GrpcFailure(told.fails, "no");
    return { ...ANSWERS[method], ...answers[method] } as never;
  };
  const all = {
    driver: DRIVER,
    capabilities: new Set([1, 2, 9]),
    hasTopology: false,
    growsOnNodes: true,
    ...plugin,
    socket: { controller },
  };
  const made = of((hear) => {
    hear(all as ControllerPlugin);
    return { cancel: () => {} };
  });
  made.more?.(() => {});
  return Object.assign(told, { transcript: new Transcript(made) });
}
