import PDFDocument from 'pdfkit';
import { FONTS, INK, PAGE, type FontName } from './theme.js';
import { drawable, metadataText } from './text.js';

export interface CanvasOptions {
  readonly title: string;
  readonly author: string;
  readonly subject: string;
  readonly createdMs: number;
  /** Further entries of the Info dictionary; ASCII only. */
  readonly info: Readonly<Record<string, string>>;
}

/** PDF/UA id and the PDF/A extension schema that describes it; pdfkit can claim one subset only. */
const UA_XMP = `
        <rdf:Description xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" rdf:about="">
            <pdfuaid:part>1</pdfuaid:part>
        </rdf:Description>
        <rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
            <pdfaExtension:schemas>
                <rdf:Bag>
                    <rdf:li rdf:parseType="Resource">
                        <pdfaSchema:schema>PDF/UA Universal Accessibility Schema</pdfaSchema:schema>
                        <pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
                        <pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
                        <pdfaSchema:property>
                            <rdf:Seq>
                                <rdf:li rdf:parseType="Resource">
                                    <pdfaProperty:name>part</pdfaProperty:name>
                                    <pdfaProperty:valueType>Integer</pdfaProperty:valueType>
                                    <pdfaProperty:category>internal</pdfaProperty:category>
                                    <pdfaProperty:description>Indicates which part of ISO 14289 the file follows</pdfaProperty:description>
                                </rdf:li>
                            </rdf:Seq>
                        </pdfaSchema:property>
                    </rdf:li>
                </rdf:Bag>
            </pdfaExtension:schemas>
        </rdf:Description>`;

interface StructOptions {
  readonly alt?: string;
  readonly scope?: 'Column' | 'Row';
  readonly bbox?: readonly [number, number, number, number];
}

export type StructElement = PDFKit.PDFStructureElement;

/** What pdfkit 0.20 keeps behind a loaded font; fixed by the pinned version and checked by the render tests. */
interface LoadedFont {
  readonly scale: number;
  readonly font: {
    hasGlyphForCodePoint(code: number): boolean;
    glyphForCodePoint(code: number): { readonly id: number; readonly advanceWidth: number };
  };
  layoutRun(text: string, features?: unknown): Run;
}

interface Run {
  readonly glyphs: readonly unknown[];
  readonly positions: readonly { xAdvance: number; yAdvance: number; xOffset: number; yOffset: number; advanceWidth: number }[];
  readonly advanceWidth: number;
}

const fontOf = (doc: PDFKit.PDFDocument): LoadedFont => (doc as unknown as { _font: LoadedFont })._font;

/** Printable ASCII: one glyph per character, no marks to place. */
const isPlain = (text: string): boolean => /^[\u0020-\u007e\n]*$/.test(text);

/**
 * Shaping with the full OpenType machinery costs 100 µs and more per word, and a packet is mostly digests, identifiers and SQL. Printable
 * ASCII needs none: one glyph per character, without kerning and ligatures (a third of the time per page). All other text is shaped.
 */
function layOutPlainTextQuickly(loaded: LoadedFont): void {
  const shaped = loaded.layoutRun.bind(loaded);
  loaded.layoutRun = (text, features): Run => {
    if (!isPlain(text)) return shaped(text, features);
    const glyphs = Array.from(text, (char) => loaded.font.glyphForCodePoint(char.charCodeAt(0)));
    const positions = glyphs.map((glyph) => {
      const width = glyph.advanceWidth * loaded.scale;
      return { xAdvance: width, yAdvance: 0, xOffset: 0, yOffset: 0, advanceWidth: width };
    });
    return { glyphs, positions, advanceWidth: positions.reduce((sum, { xAdvance }) => sum + xAdvance, 0) };
  };
}

/** pdfkit, narrowed to what we use: absolute text, marked content, one structure tree. */
export class Canvas {
  readonly doc: PDFKit.PDFDocument;
  readonly root: StructElement;
  readonly #chunks: Buffer[] = [];
  readonly #widths = new Map<string, number>();
  readonly #glyphs = new Map<FontName, Map<number, boolean>>();
  #font: FontName = 'body';
  #size = 9;

  constructor(options: CanvasOptions) {
    this.doc = new PDFDocument({
      pdfVersion: '1.7',
      subset: 'PDF/A-3a',
      tagged: true,
      lang: 'en-US',
      displayTitle: true,
      font: FONTS.body,
      size: [PAGE.width, PAGE.height],
      margins: { left: PAGE.left, right: PAGE.right, top: PAGE.top, bottom: 0 },
      bufferPages: true,
      autoFirstPage: false,
      info: {
        Title: metadataText(options.title),
        Author: metadataText(options.author),
        Subject: metadataText(options.subject),
        Creator: 'Affiant',
        Producer: 'Affiant (pdfkit)',
        CreationDate: new Date(options.createdMs),
        ModDate: new Date(options.createdMs),
        ...options.info,
      },
    });
    for (const path of Object.values(FONTS)) {
      this.doc.font(path);
      layOutPlainTextQuickly(fontOf(this.doc));
    }
    this.doc.appendXML(UA_XMP);
    const header = this.doc.read() as Buffer | null;
    if (header !== null) this.#chunks.push(header);
    // pdfkit writes synchronously: taking its chunks here makes rendering one synchronous, pure call.
    this.doc.push = (chunk: Buffer | null): boolean => {
      if (chunk !== null) this.#chunks.push(chunk);
      return true;
    };
    this.root = this.doc.struct('Document');
    this.doc.addStructure(this.root);
  }

  /** Selects a font and size for measuring and drawing. */
  font(name: FontName, size: number): void {
    this.doc.font(FONTS[name]).fontSize(size);
    this.#font = name;
    this.#size = size;
  }

  /** Width in points in the selected font. */
  readonly measure = (text: string): number => {
    const key = `${this.#font}\0${text}`;
    let perPoint = this.#widths.get(key);
    if (perPoint === undefined) {
      perPoint = this.doc.widthOfString(text) / this.#size;
      if (this.#widths.size > 50_000) this.#widths.clear();
      this.#widths.set(key, perPoint);
    }
    return perPoint * this.#size;
  };

  /** Text that the named font can show. */
  clean(text: string, font: FontName): string {
    let known = this.#glyphs.get(font);
    if (known === undefined) this.#glyphs.set(font, (known = new Map()));
    const cache = known;
    if (isPlain(text) && !text.includes('\n')) return text;
    this.doc.font(FONTS[font]);
    const face = fontOf(this.doc).font;
    this.doc.font(FONTS[this.#font]);
    return drawable(text, (code) => {
      let has = cache.get(code);
      if (has === undefined) cache.set(code, (has = face.hasGlyphForCodePoint(code)));
      return has;
    });
  }

  /** One line at (x, y = top of the line), in the selected font. Only inside `artifact` or `tagged`. */
  line(text: string, x: number, y: number, ink: string = INK.text): void {
    if (text === '') return;
    this.doc.fillColor(ink).text(text, x, y, { lineBreak: false });
  }

  /** Draws what is not content: rules, washes, page furniture. */
  artifact(type: 'Layout' | 'Pagination', draw: () => void): void {
    this.doc.markContent('Artifact', { type });
    draw();
    this.doc.endMarkedContent();
  }

  /** Draws content that belongs to `element`; call again on the next page for content that goes on there. */
  tagged(element: StructElement, tag: string, draw: () => void): void {
    const content = this.doc.markStructureContent(tag);
    draw();
    this.doc.endMarkedContent();
    element.add(content);
  }

  child(parent: StructElement, type: string, options: StructOptions = {}): StructElement {
    const element = this.doc.struct(type as never, options as never);
    parent.add(element);
    return element;
  }

  /** Ends the document. */
  finish(): Buffer {
    this.root.end();
    this.doc.end();
    return Buffer.concat(this.#chunks);
  }
}
