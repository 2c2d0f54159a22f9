import { notice } from "../notice.ts";
import type { AnyObject } from "../subject.ts";
import { type Action, deedOn, merge, pathOf } from "./action.ts";

export const CORDON: Action = cordoned("cordon", "Cordon", true);
export const UNCORDON: Action = cordoned("uncordon", "Uncordon", false);

export function isCordoned({ spec }: AnyObject): boolean {
  return spec?.unschedulable === true;
}

function cordoned(id: string, title: string, to: boolean): Action {
  return {
    id,
    title,
    key: "c",
    applies: ({ type, object }) => type.id === "nodes" && isCordoned(object) !== to,
    deed: (subject) => deedOn(subject, "patch"),
    async run(subject, context) {
      await merge(context, pathOf(subject), { spec: { unschedulable: to ? true : null } });
      const { name } = subject.object.metadata;
      notice(to ? `${name} takes no new pods.` : `${name} takes pods again.`);
    },
  };
}
