/** What somebody looks at, and how keys change it. */
export const VIEWS = ["nodes", "pods", "actors"] as const;
export type TopView = (typeof VIEWS)[number];

/** What each view can be sorted by; the first is what it is sorted by at first. */
export const SORTS_OF: Readonly<Record<TopView, readonly string[]>> = {
  nodes: ["cpu", "memory", "pods", "status", "name"],
  pods: ["restarts", "cpu", "memory", "age", "status", "name"],
  actors: ["messages", "queue", "mailbox", "handler", "active", "restarts"],
};

export interface TopState {
  readonly view: TopView;
  readonly sort: Readonly<Record<TopView, number>>;
  readonly reversed: boolean;
  /** The first row that is shown. */
  readonly offset: number;
}

export function begin(view: TopView): TopState {
  return { view, sort: { nodes: 0, pods: 0, actors: 0 }, reversed: false, offset: 0 };
}

export function sortOf({ view, sort }: TopState): string {
  return SORTS_OF[view][sort[view]] ?? "name";
}

const UP = "\x1b[A";
const DOWN = "\x1b[B";
const PAGE_UP = "\x1b[5~";
const PAGE_DOWN = "\x1b[6~";
const END_OF_TEXT = "\x03";
const VIEW_KEYS: Readonly<Record<string, TopView>> = { n: "nodes", p: "pods", a: "actors", "1": "nodes", "2": "pods", "3": "actors" };

/** What a key does; `rows` is how many are shown, `all` how many there are. Undefined: it was told to quit. */
export function pressed(state: TopState, key: string, rows: number, all: number): TopState | undefined {
  const { view, sort, offset } = state;
  const at = (to: number): TopState => ({ ...state, offset: Math.max(0, Math.min(to, all - rows)) });
  switch (key) {
    case "q":
    case END_OF_TEXT:
      return undefined;
    case "\t":
      return { ...state, view: VIEWS[(VIEWS.indexOf(view) + 1) % VIEWS.length] ?? "nodes", offset: 0 };
    case "s":
      return { ...state, sort: { ...sort, [view]: (sort[view] + 1) % SORTS_OF[view].length }, offset: 0 };
    case "r":
      return { ...state, reversed: !state.reversed, offset: 0 };
    case "k":
    case UP:
      return at(offset - 1);
    case "j":
    case DOWN:
      return at(offset + 1);
    case PAGE_UP:
      return at(offset - rows);
    case PAGE_DOWN:
    case " ":
      return at(offset + rows);
    case "g":
      return at(0);
    case "G":
      return at(all);
    default: {
      const next = Object.hasOwn(VIEW_KEYS, key) ? VIEW_KEYS[key] : undefined;
      return next === undefined ? state : { ...state, view: next, offset: 0 };
    }
  }
}
