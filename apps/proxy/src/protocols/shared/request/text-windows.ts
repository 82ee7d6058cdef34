const WINDOW = 32 * 1024;
const OVERLAP = 4 * 1024;

/**
 * Gives a text that comes in parts to a judge in windows that overlap: a condition is seen whole if it spans at most 4,096 UTF-16 units.
 * The bound keeps customers' patterns (linear, but slow) from holding the event loop.
 */
export class TextWindows {
  private tail = '';

  constructor(private readonly judge: (text: string) => void) {}

  push(part: string): void {
    const text = this.tail + part;
    for (let at = 0; at < text.length; at += WINDOW) this.judge(text.slice(Math.max(0, at - (at === 0 ? 0 : OVERLAP)), at + WINDOW));
    this.tail = text.slice(-OVERLAP);
  }
}
