import { PDFDocument } from 'pdf-lib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sampleModel } from '../testing/sample-model.js';
import { samplePacket } from '../testing/sample-packet.js';
import { attachedFiles, readPdf } from '../verify/read-pdf.js';
import { Canvas } from './canvas.js';
import { renderPacket } from './render-packet.js';
import { PAGE } from './theme.js';

const render = (options: Parameters<typeof sampleModel>[0] = {}): ReturnType<typeof renderPacket> =>
  renderPacket({ packetJson: Buffer.from(JSON.stringify(sampleModel(options))), files: new Map() });

afterEach(() => void vi.restoreAllMocks());

describe('renderPacket', () => {
  it('gives the same bytes for the same content', () => {
    expect(render().bytes.equals(render().bytes)).toBe(true);
    expect(render({ institution: 'Another Bank' }).bytes.equals(render().bytes)).toBe(false);
  });

  it.each(['ffiec', 'nist-800-53'] as const)('keeps every line of a %s packet between the margins', (framework) => {
    const line = vi.spyOn(Canvas.prototype, 'line');
    const outside: string[] = [];
    line.mockImplementation(function (this: Canvas, text: string, x: number, y: number) {
      if (x < PAGE.left - 12 || x + this.measure(text.trimEnd()) > PAGE.width - PAGE.right + 0.6 || y < 20 || y > PAGE.height - 20)
        outside.push(text.slice(0, 60));
    });
    const hostile = 'x'.repeat(3_000);
    render({
      framework,
      institution: `${hostile.slice(0, 300)} & <Söhne> \u202e 銀行`,
      rows: {
        'exchange-checks': [{ attribution_exceptions: 3 }],
        'attribution-exceptions': [
          {
            exchange_id: hostile,
            started: '2026-10-01 00:00:00.000000',
            connection: 'ünïcode'.repeat(40),
            principal: 'a b '.repeat(500),
            verdict: 'allow',
            outcome: '',
            leaf_index: 9_007_199_254_740_991,
          },
        ],
      },
    });
    expect(outside.slice(0, 5)).toEqual([]);
  });

  it('survives names that PDF/A could not show, and a year of days', () => {
    const { bytes, pages } = render({ days: 366, institution: 'Bank \u0000\t\u202e 漢字 😀 <&>' });
    expect(pages).toBeGreaterThan(40);
    expect(bytes.toString('latin1')).toContain('/AffiantSeal ');
  });

  it('is read by an independent parser: pages, title, attachments', async () => {
    const packet = await samplePacket();
    const document = await PDFDocument.load(packet.sealed, { updateMetadata: false });
    expect(document.getPageCount()).toBe(packet.pages);
    expect(document.getTitle()).toContain('Evidence packet: FFIEC');
    const names = attachedFiles(readPdf(packet.sealed)).map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(['packet.json', 'manifest.json']);
    expect(names.length).toBe(packet.model.exhibits.length + 2);
    expect(attachedFiles(readPdf(packet.sealed))[0]?.data?.equals(packet.packetJson)).toBe(true);
  });
});
