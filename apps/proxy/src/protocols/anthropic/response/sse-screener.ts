import type { Edit, SseFrame, Steps } from '#wire';
import type { ScreenContext } from '../../protocol.js';
import { member, text } from '../../shared/response/facts.js';
import { frameBytes } from '../../shared/response/frame-bytes.js';
import type { OutgoingBytes } from '../../shared/response/outbox.js';
import { StreamScreener } from '../../shared/response/stream-screener.js';
import { closeKeepAliveBlock } from '../keep-alive.js';
import { Blocks } from './blocks.js';
import { readFrame, type StreamEvent } from './read-frame.js';

/** Screens a Messages event stream. */
export class SseScreener extends StreamScreener<StreamEvent> {
  private readonly blocks: Blocks;

  constructor(
    context: ScreenContext,
    /** The client has a message_start and an empty text block from us already: go on from there. */
    private readonly continues: boolean,
  ) {
    super(context);
    this.blocks = new Blocks(context, this.findings, this.values, this.outbox, this.holds, this.record);
    if (continues)
      this.outbox.push({ weight: 0, take: () => ({ client: closeKeepAliveBlock(), trail: closeKeepAliveBlock(), done: true }) });
  }

  protected read(frame: SseFrame): Steps<StreamEvent | null> {
    return readFrame(frame);
  }

  protected *event(event: StreamEvent, out: OutgoingBytes): Steps<void> {
    switch (event.type) {
      case 'ping':
        // Keeps the client alive while text waits, so it may overtake.
        if (this.outbox.isEmpty) this.pass(event, yield* this.values.editSteps(event));
        else this.overtake(frameBytes(event, this.values.editsOf(event)), out);
        return;
      case 'message_start':
        yield* this.messageStart(event);
        return;
      case 'content_block_start':
        yield* this.blocks.start(event, this.shift(event));
        return;
      case 'content_block_delta':
        yield* this.blocks.delta(event, this.shift(event));
        return;
      case 'content_block_stop':
        yield* this.blocks.stop(event, this.shift(event));
        return;
      case 'message_delta': {
        const data = parse(event);
        this.record.usage(member(data, 'usage'));
        this.record.stopReason = text(member(member(data, 'delta'), 'stop_reason')) ?? this.record.stopReason;
        this.pass(event, yield* this.values.editSteps(event));
        return;
      }
      case 'message_stop':
        yield* this.blocks.finish();
        this.record.complete = true;
        this.tail = [frameBytes(event, this.values.editsOf(event))];
        return;
      case 'error': {
        const error = member(parse(event), 'error');
        this.streamError(event, text(member(error, 'type')) ?? 'error', text(member(error, 'message')) ?? '', out);
        return;
      }
      default:
        this.pass(event, yield* this.values.editSteps(event));
    }
  }

  private *messageStart(event: StreamEvent): Steps<void> {
    const message = member(parse(event), 'message');
    this.record.model = text(member(message, 'model'));
    this.record.usage(member(message, 'usage'));
    if (!this.continues) this.pass(event, yield* this.values.editSteps(event));
  }

  private shift(event: StreamEvent): Edit[] {
    if (!this.continues || event.indexStart === -1) return [];
    return [{ start: event.indexStart, end: event.indexEnd, bytes: Buffer.from(String(event.index + 1)) }];
  }
}

function parse(event: StreamEvent): unknown {
  return event.leaves === null ? null : (JSON.parse(event.data.toString()) as unknown);
}
