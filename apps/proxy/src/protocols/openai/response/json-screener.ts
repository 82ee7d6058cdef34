import { AffiantError } from '#errors';
import { JsonScanner, spliceSteps, type Steps } from '#wire';
import { outcomesOf } from '../../../mask/findings.js';
import type { ScreenContext, UpstreamHead } from '../../protocol.js';
import { DocumentScreener, type ScreenedDocument } from '../../shared/response/document-screener.js';
import { noteFacts } from './facts.js';
import { judgeDocument, maskDocument } from './judge-document.js';
import { Parts } from './parts.js';
import { isInSequence, Places } from './places.js';
import { DocumentReader } from './reader.js';

/** Screens an answer of the OpenAI API that is one JSON document. */
export class OpenaiJsonScreener extends DocumentScreener {
  private readonly parts: Parts;

  constructor(context: ScreenContext, upstream: UpstreamHead, continues: boolean) {
    super(context, upstream, continues);
    this.parts = new Parts(context, this.findings, this.record, this.holds);
  }

  protected *screen(bytes: Buffer): Steps<ScreenedDocument> {
    const reader = new DocumentReader(bytes);
    yield* new JsonScanner(bytes, 0, bytes.length, reader).steps();
    const { rules } = this.values;
    if (reader.hasAudio && (rules !== null || this.parts.keepsText || this.parts.restorer !== null)) {
      throw new AffiantError('stream_invalid', 'A spoken answer cannot be screened.');
    }
    const seam = this.parts.seam();
    const read = (slot: string, text: string): void => {
      if (isInSequence(slot)) seam?.whole(text);
    };
    const judging = { context: this.context, parts: this.parts, rules, isCounted: () => false, read };
    const judged = this.isError
      ? yield* maskDocument(bytes, reader, judging)
      : yield* judgeDocument(bytes, reader, new Places(reader, () => undefined), judging);
    noteFacts(reader, bytes, this.record, this.values);
    if (this.isError) this.record.upstreamError ??= { type: 'error', message: '' };
    const blocks = outcomesOf(this.findings.list()).filter(({ action }) => action === 'block');
    if (blocks.length > 0) this.parts.refuse(blocks);
    return {
      trail: () => spliceSteps(bytes, judged.of(true)),
      client: () => (judged.differs ? spliceSteps(bytes, judged.of(false)) : null),
    };
  }
}
