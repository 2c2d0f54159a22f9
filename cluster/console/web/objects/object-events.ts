import { EventFeed } from "./event-feed.ts";
import type { Panel } from "./subject.ts";

/** What has been told of an object. */
export function open({ context, root, signal, object }: Panel): void {
  const { uid, namespace = "default" } = object().metadata;
  new EventFeed({ context, root, signal, namespace, fieldSelector: `involvedObject.uid=${uid}`, hasObjects: false });
}
