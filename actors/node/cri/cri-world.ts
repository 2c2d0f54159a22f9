import type { Clock } from "../../../runtime/mod.ts";
import type { GrpcClient } from "../grpc/client.ts";
import type { ImageService, RuntimeService } from "./messages.ts";
import type { PodFiles } from "./pod-files.ts";

export type RuntimeClient = GrpcClient<RuntimeService["messages"], RuntimeService["methods"]>;
export type ImageClient = GrpcClient<ImageService["messages"], ImageService["methods"]>;

/** What all parts of the runtime stand on. */
export interface CriWorld {
  readonly runtime: RuntimeClient;
  readonly images: ImageClient;
  readonly clock: Clock;
  readonly files: PodFiles;
  /** The value of the label `owner` on all that is its own. */
  readonly owner: string;
  /** Aborted when nothing more is to be asked. */
  readonly closed: AbortSignal;
}

/** Source: kubelet's --runtime-request-timeout. */
export const ASK_MS = 120_000;
