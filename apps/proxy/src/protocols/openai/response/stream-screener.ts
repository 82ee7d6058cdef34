import { AffiantError } from '#errors';
import type { Edit, SseFrame, Steps } from '#wire';
import { leafEditSteps, textWindows } from '../../../mask/leaf-steps.js';
import type { ScreenContext } from '../../protocol.js';
import type { OutgoingBytes } from '../../shared/response/outbox.js';
import { StreamScreener } from '../../shared/response/stream-screener.js';
import { TextItem, type TextSlot } from '../../shared/response/text-item.js';
import { callInput, continuedBy, slotOfCall } from './chunks.js';
import { toolName } from './container.js';
import { noteFacts } from './facts.js';
import { FrameItem, Gate, Numbering } from './frame-item.js';
import { judgeDocument, logprobEdits, type Judging } from './judge-document.js';
import { Judged } from './judged.js';
import { Parts } from './parts.js';
import { isToolFamily, Places } from './places.js';
import { readEvent, type WireEvent } from './read-event.js';
import type { DocumentReader, ReadLeaf } from './reader.js';
import { TextStreams, type StreamKind, type TextStream } from './text-streams.js';

const EVENT = /^response\.([a-z_.]+)\.(delta|done|added)$/;
const LAST = new Set(['response.completed', 'response.incomplete', 'response.failed']);

/** What the client may know of a call before its input is decided: nothing. */
interface Call {
  readonly tool: string;
  isReleased: boolean;
}

/**
 * Screens an event stream of the Responses or the Chat Completions API (told by the events themselves). Deltas go out as their text is decided; events
 * that carry whole values are judged by what they carry, so all places of an answer say the same.
 */
export class OpenaiStreamScreener extends StreamScreener<WireEvent> {
  private readonly parts: Parts;
  private readonly streams: TextStreams;
  private readonly judging: Judging;
  private readonly numbering = new Numbering();
  private readonly calls = new Map<string, Call>();
  private readonly unfinished = new Set<number>();
  private gate: Gate | null = null;

  constructor(context: ScreenContext) {
    super(context);
    this.parts = new Parts(context, this.findings, this.record, this.holds);
    this.streams = new TextStreams(this.parts, this.findings, this.values.rules, this.record);
    this.judging = {
      context,
      parts: this.parts,
      rules: this.values.rules,
      isCounted: (slot, text) => this.streams.hasHeard(slot, text),
    };
  }

  protected read(frame: SseFrame): Steps<WireEvent | null> {
    return readEvent(frame);
  }

  protected *event(event: WireEvent, out: OutgoingBytes): Steps<void> {
    const { reader } = event;
    if (event.isDone) {
      yield* this.last();
      this.pass(event, []);
    } else if (reader === null) this.pass(event, yield* this.values.editSteps(event));
    else {
      this.refuseAudio(reader);
      const places = new Places(reader, (slot) => this.calls.get(slot)?.tool);
      const isChunk = reader.choices.length > 0 || reader.facts.get('object') === 'chat.completion.chunk';
      if (!LAST.has(reader.type) && !isChunk && reader.error !== null)
        this.streamError(event, reader.error.type, reader.error.message, out);
      else {
        noteFacts(reader, event.data, this.record, this.values);
        if (isChunk) yield* this.chunk(event, reader, places);
        else yield* this.responsesEvent(event, reader, places);
      }
    }
  }

  protected override atEnd(): void {
    if (this.gate === null || this.gate.isOpen) return;
    this.gate.isOpen = true;
    this.record.complete = true;
  }

  private *responsesEvent(event: WireEvent, reader: DocumentReader, places: Places): Steps<void> {
    const [, family = '', step = ''] = EVENT.exec(reader.type) ?? [];
    const slot = `o${reader.number('output_index') ?? reader.facts.get('item_id') ?? ''}`;
    if (LAST.has(reader.type)) yield* this.last();
    else if (step === 'delta') return yield* this.delta(event, reader, slot, family);
    else if (family === 'output_item' && step === 'added') this.begin(reader, slot);
    else if (step === 'done') yield* this.streams.close((stream) => stream.slot === slot && endsWith(stream, family, partOf(reader)));
    const judged = yield* judgeDocument(event.data, reader, places, this.judging);
    if (family === 'output_text.annotation') this.shiftOffsets(reader, slot, judged);
    if (family === 'output_item' && step === 'done') this.finishCalls([slot], judged);
    if (LAST.has(reader.type)) this.finishCalls([...this.calls.keys()], judged);
    const call = family === 'output_item' && step === 'added' ? this.calls.get(slot) : undefined;
    this.outbox.push(new FrameItem(event, judged, this.numbering, call === undefined ? [] : [call]));
  }

  private *delta(event: WireEvent, reader: DocumentReader, slot: string, family: string): Steps<void> {
    const isTool = isToolFamily(family);
    const isContinued = (leaf: ReadLeaf): boolean => (leaf.key === 'delta' ? leaf.depth === 1 : leaf.inside.key === 'delta');
    const tool = isTool ? (this.calls.get(slot)?.tool ?? family) : null;
    const kind = (leaf: ReadLeaf): StreamKind => ({
      slot,
      key: `${family} ${partOf(reader)}${leaf.key === 'delta' ? '' : ` ${leaf.key}`}`,
      tool,
      isJson: family.endsWith('arguments'),
    });
    yield* this.continue(event, reader, (leaf) => (isContinued(leaf) ? kind(leaf) : null), [], false);
  }

  private *chunk(event: WireEvent, reader: DocumentReader, places: Places): Steps<void> {
    const toolAt = (slot: string): string | undefined => this.calls.get(slot)?.tool;
    for (const choice of reader.choices) {
      const index = choice.index ?? choice.ordinal;
      if (choice.finish === '') this.unfinished.add(index);
    }
    const begun: TextStream[] = [];
    for (const call of reader.calls) {
      const slot = slotOfCall(call, places);
      if (this.calls.has(slot)) continue;
      this.noteCall(slot, toolName(call));
      if (this.parts.readsTools) begun.push(this.streams.of(callInput(call, places, toolAt, call.type !== 'custom')));
    }
    const finished = reader.choices.filter(({ finish }) => finish !== '');
    const isWhole = reader.choices.length !== 1 || finished.length > 0 || reader.calls.length > 0 || event.data.includes('"role"');
    for (const { index, ordinal } of finished) this.unfinished.delete(index ?? ordinal);
    // The last words are not handed over before the answer is recorded; a choice that begins later opens the gate again.
    if (this.unfinished.size > 0 && this.gate !== null) this.gate.isOpen = true;
    if (this.unfinished.size === 0 && finished.length > 0) this.shut();
    yield* this.continue(event, reader, (leaf) => continuedBy(leaf, places, toolAt), begun, isWhole);
    for (const { index, ordinal } of finished) {
      const slot = `c${index ?? ordinal}`;
      yield* this.streams.close((stream) => stream.slot === slot || stream.slot.startsWith(`${slot}.`));
    }
  }

  /** An event whose strings go on with texts. `begun` are inputs it belongs to without a word of them. */
  private *continue(
    event: WireEvent,
    reader: DocumentReader,
    kindOf: (leaf: ReadLeaf) => StreamKind | null,
    begun: readonly TextStream[],
    isWhole: boolean,
  ): Steps<void> {
    const slots: TextSlot[] = [];
    const edits: Edit[] = logprobEdits(reader, this.judging);
    for (const leaf of event.leaves ?? []) {
      const kind = kindOf(leaf);
      if (kind === null) {
        if (this.values.rules !== null) edits.push(...(yield* leafEditSteps(event.data, leaf, this.values.rules)));
      } else if (this.streams.reads(kind.tool !== null)) slots.push(yield* this.slot(event, leaf, this.streams.of(kind)));
    }
    for (const { channel } of begun)
      if (!slots.some((slot) => slot.channel === channel)) slots.push({ range: NOWHERE, channel, from: channel.length, own: '' });
    const [first] = slots;
    if (first === undefined) {
      const judged = new Judged(reader);
      judged.edits.push(...edits);
      this.outbox.push(new FrameItem(event, judged, this.numbering));
      return;
    }
    const { last } = this.outbox;
    const rest = !isWhole && slots.length === 1 && last instanceof TextItem ? last.restOf(first.channel) : null;
    if (rest !== null) {
      this.outbox.popLast();
      first.from = rest.from;
      first.own = rest.text + first.own;
    }
    this.outbox.push(new TextItem(event, slots, edits, { isWhole, stamp: this.numbering, taken: rest }));
  }

  private *slot(event: WireEvent, leaf: ReadLeaf, stream: TextStream): Steps<TextSlot> {
    const { channel } = stream;
    const from = channel.length;
    let own = '';
    for (const part of textWindows(event.data, leaf)) {
      if (own !== '') yield;
      own += part;
      this.streams.push(stream, part);
    }
    return { range: leaf, channel, from, own };
  }

  /** An output item begins: a call of a tool is not shown before its input is decided. */
  private begin({ item }: DocumentReader, slot: string): void {
    if (item !== null && isCall(item.type)) this.noteCall(slot, toolName(item));
  }

  private noteCall(slot: string, tool: string): void {
    this.calls.set(slot, { tool, isReleased: !this.parts.readsTools });
    this.parts.calls(slot, tool);
  }

  /** The items are there whole: what they say decides about their calls. */
  private finishCalls(slots: readonly string[], judged: Judged): void {
    const ended = slots.map((slot) => this.calls.get(slot)).filter((call) => call !== undefined);
    judged.onRelease(() => {
      for (const call of ended) call.isReleased = true;
    });
  }

  /** The model has said all it has to say. */
  private *last(): Steps<void> {
    yield* this.streams.close(() => true);
    this.record.complete = true;
    if (this.gate === null || this.gate.isOpen) this.shut();
  }

  private shut(): void {
    this.gate = new Gate();
    this.outbox.push(this.gate);
  }

  private shiftOffsets(reader: DocumentReader, slot: string, judged: Judged): void {
    const key = `output_text ${partOf(reader)}`;
    for (const range of reader.offsets)
      judged.number(range, (forTrail) => this.streams.shifted(slot, key, range.value, range.isEnd, forTrail));
  }

  private refuseAudio({ hasAudio, type }: DocumentReader): void {
    if (
      (!hasAudio && type !== 'response.audio.delta') ||
      (this.values.rules === null && !this.parts.keepsText && this.parts.restorer === null)
    )
      return;
    throw new AffiantError('stream_invalid', 'A spoken answer cannot be screened.');
  }
}

const NOWHERE = { start: 0, end: 0 };

function isCall(type: string): boolean {
  return type.endsWith('_call') || type === 'mcp_approval_request' || type === 'program';
}

/** The part of an item that an event is about. */
function partOf(reader: DocumentReader): number {
  return reader.number('content_index') ?? reader.number('summary_index') ?? reader.number('command_index') ?? 0;
}

/** True when an event that ends `family` (of that part of its item) ends the text. */
function endsWith({ key }: TextStream, family: string, part: number): boolean {
  if (family === 'output_item') return true;
  if (family === 'content_part' || family === 'reasoning_summary_part') return key.split(' ')[1] === String(part) && !key.includes('_call');
  return key === `${family} ${part}` || key.startsWith(`${family} ${part} `);
}
