import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameData, rawOffset, SseParser, type SseFrame } from './sse-parser.js';

const LINE_ENDS = ['\n', '\r\n', '\r'] as const;

function parseInChunks(bytes: Buffer, cuts: readonly number[]): SseFrame[] {
  const parser = new SseParser();
  const frames: SseFrame[] = [];
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    frames.push(...parser.push(Buffer.from(bytes.subarray(at, cut))));
    at = cut;
  }
  const rest = parser.end();
  return rest === null ? frames : [...frames, rest];
}

const seen = (frames: readonly SseFrame[]): unknown[] =>
  frames.filter((frame) => frame.event !== null || frame.dataLines.length > 0).map((frame) => [frame.event, frameData(frame)?.toString()]);

describe('SseParser', () => {
  it('reads events, comments, unknown fields and several data lines', () => {
    const text = ': hello\n\nevent: a\nid: 7\nx-new: y\ndata: {"b":\ndata:1}\n\ndata\n\nevent: c\n\n';
    const frames = parseInChunks(Buffer.from(text), []);
    expect(seen(frames)).toEqual([
      ['a', '{"b":\n1}'],
      [null, ''],
      ['c', undefined],
    ]);
    expect(Buffer.concat(frames.map((frame) => frame.raw)).toString()).toBe(text);
  });

  it('maps offsets of joined data to the bytes of the frame', () => {
    const [frame] = parseInChunks(Buffer.from('data: ab\r\ndata: cd\r\n\r\n'), []);
    const data = frameData(frame!)!;
    expect(data.toString()).toBe('ab\ncd');
    expect(frame!.raw[rawOffset(frame!, 3)]).toBe('c'.charCodeAt(0));
    expect(frame!.raw[rawOffset(frame!, 0)]).toBe('a'.charCodeAt(0));
  });

  it('gives the same frames and the same bytes for every pair of cuts and every line end', () => {
    let cases = 0;
    for (const lineEnd of LINE_ENDS) {
      const text = ['event: x', 'data: {"t":"Zoë 😀"}', '', ': c', '', 'data: 2', '', ''].join(lineEnd);
      const bytes = Buffer.from(text);
      for (let first = 0; first <= bytes.length; first++) {
        for (let second = first; second <= bytes.length; second += 3) {
          const frames = parseInChunks(bytes, [first, second]);
          expect(seen(frames)).toEqual([
            ['x', '{"t":"Zoë 😀"}'],
            [null, '2'],
          ]);
          expect(Buffer.concat(frames.map((frame) => frame.raw)).equals(bytes)).toBe(true);
          cases++;
        }
      }
    }
    expect(cases).toBeGreaterThan(1_000);
  });

  it('skips a byte order mark and keeps it in the bytes', () => {
    const bytes = Buffer.from('\ufeffdata: 1\n\n');
    for (let cut = 0; cut < 6; cut++) {
      const frames = parseInChunks(bytes, [cut]);
      expect(seen(frames)).toEqual([[null, '1']]);
    }
  });

  it('mixes line ends at random without losing a byte', () => {
    const line = fc.constantFrom('data: a', 'data:  b ', 'event: e', ': c', '', '', 'data: é😀');
    fc.assert(
      fc.property(fc.array(fc.tuple(line, fc.constantFrom(...LINE_ENDS))), fc.array(fc.nat(80)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map(([text, end]) => text + end).join(''));
        const sorted = cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b);
        const whole = parseInChunks(bytes, []);
        const cut = parseInChunks(bytes, sorted);
        expect(seen(cut)).toEqual(seen(whole));
        expect(Buffer.concat(cut.map((frame) => frame.raw)).equals(bytes)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses invalid UTF-8 and frames without end', () => {
    expect(() => new SseParser().push(Buffer.from([0x64, 0x3a, 0xff, 0x0a, 0x0a]))).toThrow(/UTF-8/);
    const parser = new SseParser(100);
    parser.push(Buffer.from('data: '));
    expect(() => {
      for (let i = 0; i < 60; i++) parser.push(Buffer.from('ab'));
    }).toThrow(/too large/);
  });

  it('takes a frame of 200 kB byte by byte in linear time', () => {
    const parser = new SseParser();
    const bytes = Buffer.from(`data: ${'x'.repeat(200_000)}\n\n`);
    const frames: SseFrame[] = [];
    for (let at = 0; at < bytes.length; at++) frames.push(...parser.push(bytes.subarray(at, at + 1)));
    expect(frames).toHaveLength(1);
    expect(parser.bufferedBytes).toBe(0);
  });
});
