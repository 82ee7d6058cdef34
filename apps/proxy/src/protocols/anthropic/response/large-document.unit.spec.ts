import { describe, expect, it } from 'vitest';
import { runInSlices, Slices } from '#wire';
import { AnthropicProtocol } from '../anthropic-protocol.js';
import { testContext, type TestPolicy } from '../../shared/testing/policies.js';
import type { ScreenStep } from '../../protocol.js';

const WORDS = 'The account was reviewed; see "final". SSN 219-09-9999 \u{1f600}\n';
const TEXT = WORDS.repeat(4_000);

const message = (content: unknown): Buffer =>
  Buffer.from(JSON.stringify({ model: 'claude-x', content, stop_reason: 'end_turn', usage: { input_tokens: 7, output_tokens: 9 } }));

function screenerOf(bytes: Buffer, policy: TestPolicy, status = 200) {
  const screener = new AnthropicProtocol().screenResponse(testContext(policy), { status, contentType: 'application/json' });
  for (let at = 0; at < bytes.length; at += 65_536) screener.push(bytes.subarray(at, at + 65_536));
  return screener;
}

describe('a large document', () => {
  it('is masked to the last byte, with the facts of a small one', async () => {
    const bytes = message([{ type: 'text', text: TEXT }]);
    const screener = screenerOf(bytes, { response: 'mask' });
    let turns = 0;
    class Counting extends Slices {
      override async turn(): Promise<void> {
        turns++;
        await super.turn();
      }
    }
    const step: ScreenStep = await runInSlices(screener.ending(), new Counting(0));
    const out = Buffer.concat(step.release).toString();
    expect(turns).toBeGreaterThan(10);
    expect(out.includes('219-09-9999')).toBe(false);
    expect(out.replaceAll(/\[US_SSN:[0-9a-f]{8}\]/g, '219-09-9999')).toBe(bytes.toString());
    const facts = screener.facts();
    expect(facts).toMatchObject({ model: 'claude-x', stopReason: 'end_turn', inputTokens: 7, outputTokens: 9, complete: true });
    expect(facts.masks).toMatchObject([{ entity: 'us_ssn', count: 4_000 }]);
  });

  it('is judged wherever a condition stands in a text or an input', () => {
    for (const at of [0, 32_760, 70_000, 131_064, 200_000]) {
      const text = `${'a '.repeat(at / 2)}launch code${' b'.repeat(40_000)}`;
      const inText = screenerOf(message([{ type: 'text', text }]), { detector: null, when: { responseText: [/launch code/, 'block'] } });
      expect(inText.end().blocked?.action).toBe('block');
      const input = { path: 'a', content: text };
      const inInput = screenerOf(message([{ type: 'tool_use', id: 't', name: 'write', input }]), {
        detector: null,
        when: { toolInput: [/launch code/, 'block'] },
      });
      expect(inInput.end().blocked?.action).toBe('block');
      expect(inInput.facts().toolCalls).toEqual(['write']);
    }
  });

  it('hides a whole text that policy wants hidden', () => {
    const screener = screenerOf(message([{ type: 'text', text: `${TEXT}launch code` }]), {
      when: { responseText: [/launch code/, 'mask'] },
    });
    const out = JSON.parse(Buffer.concat(screener.end().release).toString()) as { content: { text: string }[] };
    expect(out.content[0]!.text).toMatch(/^\[RESPONSE_TEXT:[0-9a-f]{8}\]$/);
  });

  it('blocks a value deep inside a large input', () => {
    const input = { rows: Array.from({ length: 3_000 }, (_, i) => ({ id: i, note: i === 2_900 ? 'SSN 219-09-9999' : 'nothing to see' })) };
    const screener = screenerOf(message([{ type: 'tool_use', id: 't', name: 'write', input }]), { toolInput: 'block' });
    expect(screener.end().blocked?.action).toBe('block');
  });

  it('shows the client what an approver let through, and not the trail', () => {
    const bytes = message([{ type: 'text', text: TEXT }]);
    const screener = screenerOf(bytes, { response: 'hold' });
    expect(screener.end().held?.verdict.action).toBe('hold');
    screener.resolve(true);
    const step = screener.end();
    expect(Buffer.concat(step.release).equals(bytes)).toBe(true);
    expect(Buffer.concat(step.recorded ?? []).includes('219-09-9999')).toBe(false);
  });

  it('that is an error in words is masked as words', () => {
    const bytes = Buffer.from(`<html>${TEXT}</html>`);
    const screener = screenerOf(bytes, { response: 'mask' }, 502);
    const out = Buffer.concat(screener.end().release).toString();
    expect(out.replaceAll(/\[US_SSN:[0-9a-f]{8}\]/g, '219-09-9999')).toBe(bytes.toString());
    expect(screener.facts().upstreamError?.message.startsWith('<html>The account')).toBe(true);
    expect(screener.facts().upstreamError?.message.includes('219-09-9999')).toBe(false);
  });
});
