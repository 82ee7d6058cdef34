/** Code points that would reorder or hide text are shown, not obeyed. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff]/u;

/**
 * Makes text drawable: control characters, tabs and characters without a glyph would fail PDF/A (6.2.11.8-1), so they become spaces or
 * a visible `⟨U+XXXX⟩`.
 */
export function drawable(text: string, hasGlyph: (codePoint: number) => boolean): string {
  let out = '';
  for (const char of text.replaceAll(/\p{Surrogate}/gu, '\ufffd')) {
    const code = char.codePointAt(0) ?? 0;
    if (code === 0x0a) out += '\n';
    else if (code === 0x09 || code === 0x0d || code === 0xa0) out += ' ';
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0) || INVISIBLE.test(char) || !hasGlyph(code))
      out += `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
    else out += char;
  }
  return out;
}

/** Metadata goes unescaped into XMP (pdfkit), where `&` or `<` would break all of it. */
export function metadataText(text: string): string {
  return text.replaceAll('&', 'and').replaceAll(/[^ -~]|[<>]/g, '');
}

/** Splits into lines no wider than `width`. Words too long for a line are cut. */
export function wrap(text: string, width: number, measure: (text: string) => number): string[] {
  const lines: string[] = [];
  const space = measure(' ');
  for (const paragraph of text.split('\n')) {
    let line = '';
    let used = 0;
    for (const word of paragraph.split(' ')) {
      const wide = measure(word);
      if (line !== '' && used + space + wide <= width) {
        line += ` ${word}`;
        used += space + wide;
        continue;
      }
      if (line !== '') lines.push(line);
      [line, used] = [word, wide];
      while (used > width && line.length > 1) {
        const cut = fitting(line, width, measure);
        lines.push(line.slice(0, cut));
        line = line.slice(cut);
        used = measure(line);
      }
    }
    lines.push(line);
  }
  return lines;
}

/** Splits code into lines, keeping indentation; continued lines are indented by two more. */
export function wrapCode(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => {
    const out: string[] = [];
    let rest = line;
    const indent = /^ */.exec(line)?.[0].slice(0, 12) ?? '';
    while (rest.length > columns) {
      const at = rest.lastIndexOf(' ', columns);
      const cut = at > indent.length + 20 ? at : columns;
      out.push(rest.slice(0, cut));
      rest = `${indent}  ${rest.slice(cut).trimStart()}`;
    }
    out.push(rest);
    return out;
  });
}

/** Longest prefix that fits, at least one character, never inside a surrogate pair; prefers a break after punctuation. */
function fitting(word: string, width: number, measure: (text: string) => number): number {
  let low = 1;
  let high = word.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (measure(word.slice(0, middle)) <= width) low = middle;
    else high = middle - 1;
  }
  const nice = Math.max(...['-', '_', '/', '.', ':', ','].map((mark) => word.lastIndexOf(mark, low - 1))) + 1;
  const cut = nice > low * 0.6 ? nice : low;
  const code = word.charCodeAt(cut - 1);
  if (code >= 0xd800 && code <= 0xdbff) return cut > 1 ? cut - 1 : Math.min(cut + 1, word.length);
  return cut;
}
