const SHOWN_MS = 5_000;

/** Says what has been done, for a while, beside everything else. */
export function notice(words: string): void {
  const root = document.querySelector(".root");
  if (root === null) return;
  let place = root.querySelector<HTMLElement>(".notices");
  if (place === null) {
    place = document.createElement("div");
    place.className = "notices";
    place.setAttribute("role", "status");
    root.append(place);
  }
  const line = document.createElement("p");
  line.textContent = words;
  place.append(line);
  setTimeout(() => line.remove(), SHOWN_MS);
}
