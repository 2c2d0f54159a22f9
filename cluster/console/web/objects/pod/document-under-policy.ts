/**
 * The document as xterm.js is to see it. The page's policy lets in no inline styles, and xterm.js makes style elements and style attributes; here they are
 * made of what the policy allows, constructed style sheets and the style object of each element, with the same effect.
 */
export function underPolicy(document: Document): Document {
  return new Proxy(document, {
    get(target, name) {
      if (name === "createElement") return elementMaker(document);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Its scroll bars ask the document itself for their style, whichever they are given, while they are made. */
export function openedUnderPolicy(open: () => void): void {
  const own = elementMaker(document, document.createElement.bind(document));
  Object.defineProperty(document, "createElement", { value: own, configurable: true });
  try {
    open();
  } finally {
    Reflect.deleteProperty(document, "createElement");
  }
}

function elementMaker(document: Document, make = document.createElement.bind(document)): (name: string) => HTMLElement {
  return (name) => {
    const element = make(name);
    if (name === "style") return sheetOf(element as HTMLStyleElement, document);
    element.setAttribute = (attribute: string, value: string): void => {
      if (attribute === "style") element.style.cssText = value;
      else Element.prototype.setAttribute.call(element, attribute, value);
    };
    return element;
  };
}

/** A style element whose text goes into a style sheet of the document. */
function sheetOf(element: HTMLStyleElement, document: Document): HTMLStyleElement {
  const sheet = new CSSStyleSheet();
  let text = "";
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperty(element, "textContent", {
    get: () => text,
    set: (value: string) => {
      text = value;
      sheet.replaceSync(value);
    },
  });
  element.remove = (): void => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
