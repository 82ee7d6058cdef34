import type { Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { UpstreamCall, upstreamError } from './upstream-call.js';

class Controller implements Dispatcher.DispatchController {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  rawHeaders = [Buffer.from('Content-Type'), Buffer.from('Text/Event-Stream; charset=utf-8'), Buffer.from('Request-Id'), Buffer.from('r1')];
  abort(reason: Error): void {
    this.aborted = true;
    this.reason = reason;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
}

describe('UpstreamCall', () => {
  it('pauses the upstream above its read-ahead and resumes it below', () => {
    const call = new UpstreamCall();
    const controller = new Controller();
    call.onRequestStart(controller);
    for (let at = 0; at < 4; at += 1) call.onResponseData(controller, Buffer.alloc(64 * 1024));
    expect(controller.paused).toBe(true);
    expect(call.take()).toHaveLength(64 * 1024);
    expect(controller.paused).toBe(false);
  });

  it('gives the head, every byte before the end, then the end', async () => {
    const call = new UpstreamCall();
    const controller = new Controller();
    call.onRequestStart(controller);
    const ready = call.ready();
    expect(call.ready()).toBe(ready);
    call.onResponseStart(controller, 103, {});
    expect(call.head).toBeNull();
    call.onResponseStart(controller, 200, { 'content-type': 'Text/Event-Stream; charset=utf-8', 'request-id': 'r1' });
    await ready;
    expect(call.head).toEqual({
      status: 200,
      contentType: 'text/event-stream',
      requestId: 'r1',
      rawHeaders: ['Content-Type', 'Text/Event-Stream; charset=utf-8', 'Request-Id', 'r1'],
    });
    call.onResponseData(controller, Buffer.from('a'));
    call.onResponseEnd();
    await call.ready();
    expect([call.take()?.toString(), call.take(), call.ended]).toEqual(['a', null, true]);
  });

  it('aborts before it is connected, and wakes who waits', async () => {
    const call = new UpstreamCall();
    const ready = call.ready();
    call.abort(new Error('gone'));
    await ready;
    const controller = new Controller();
    call.onRequestStart(controller);
    expect(controller.aborted).toBe(true);
    expect(call.error?.message).toBe('gone');
  });

  it('tells a timeout from a broken connection', () => {
    expect(upstreamError(Object.assign(new Error('late'), { code: 'UND_ERR_HEADERS_TIMEOUT' })).code).toBe('upstream_timeout');
    expect(upstreamError(Object.assign(new Error('no'), { code: 'ECONNREFUSED' })).code).toBe('upstream_unreachable');
  });
});
