import { describe, expect, it } from 'vitest';
import { AffiantError, toAffiantError } from '#errors';
import { faultOf } from './fault.js';

const SSN = '219-09-9999';

describe('a fault in the log', () => {
  it('says what broke and where, and nothing of the text that was read', () => {
    let thrown: unknown;
    try {
      JSON.parse(`SSN ${SSN}`);
    } catch (error) {
      thrown = error;
    }
    expect((thrown as Error).message).toContain('219');
    const fault = faultOf(toAffiantError(thrown, 'detector_failed', 'The pattern "badge" failed on this text.'));
    expect(fault).toMatchObject({ code: 'detector_failed', err: 'The pattern "badge" failed on this text.', kind: 'SyntaxError' });
    expect(fault!.at.length).toBeGreaterThan(0);
    expect(JSON.stringify(fault)).not.toContain('219');
  });

  it('leaves out the lines of a message that look like a frame, and a stack that does not cite its message', () => {
    const lines = faultOf(toAffiantError(new Error(`no\n    at ${SSN}`), 'internal', 'x'));
    expect(lines!.at[0]).toMatch(/fault\.unit\.spec/);
    expect(JSON.stringify(lines)).not.toContain(SSN);
    const other = new Error('told later');
    other.stack = `Error: ${SSN}\n    at ${SSN}`;
    expect(faultOf(toAffiantError(other, 'internal', 'x'))!.at).toEqual([]);
  });

  it('is ours, or there is none', () => {
    expect(faultOf(undefined)).toBeNull();
    expect(faultOf(new AffiantError('policy_blocked', 'blocked'))).toBeNull();
    expect(faultOf(new AffiantError('policy_failed', 'a policy'))).toMatchObject({ code: 'policy_failed', err: 'a policy' });
    expect(faultOf(toAffiantError('thrown text', 'internal', 'x'))).toMatchObject({ code: 'internal', kind: 'AffiantError' });
  });
});
