/** Cuts a stream of bytes into lines. Latin-1 keeps every byte as it is and costs nothing; what is looked for is ASCII. */
export function lineSplitter(take: (line: string) => void): (chunk: Buffer) => void {
  let rest = "";
  return (chunk) => {
    const text = chunk.toString("latin1");
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      const line = rest + text.slice(start, end);
      rest = "";
      start = end + 1;
      if (line !== "") take(line);
    }
    rest += start === 0 ? text : text.slice(start);
  };
}
