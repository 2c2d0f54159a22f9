import { createPlacePool, createSchedulerKind, type SchedulerOptions, ShardKeeper } from "../../actors/mod.ts";
import type { ActorKind, Message, ObservedPool } from "../../runtime/mod.ts";
import { askExtenders } from "./ask-extender.ts";
import { anyKinds, type Ground, recorderFor } from "./ground.ts";
import type { RoleContext } from "./role-context.ts";

/** Schedules pods; returns the pool of threads that finds their places. */
export function beginScheduler(context: RoleContext): ObservedPool {
  const { options, log, ground, messenger } = context;
  const pool = createPlacePool();
  context.atStop(() => pool.close());
  const extenders = askExtenders();
  context.atStop(() => extenders.close());
  const { schedulerConfiguration: configuration, schedulers: shards } = options;
  const configured = configuration === undefined ? {} : { configuration, askExtender: extenders.ask };
  context.offer(schedulerActors(ground, { ...configured, shards, pool }));
  const keeper = new ShardKeeper({ messenger, clock: ground.clock, log, shards });
  keeper.begin();
  context.atStop(async () => keeper.stop());
  return pool;
}

export function schedulerActors(
  ground: Ground,
  own: Omit<SchedulerOptions, "view" | "registry" | "recorder">,
): readonly ActorKind<Message>[] {
  const { view, registry } = ground;
  return anyKinds(
    createSchedulerKind({ ...own, view, registry, recorder: recorderFor(ground, "default-scheduler", { tellsAllApart: true }) }),
  );
}
