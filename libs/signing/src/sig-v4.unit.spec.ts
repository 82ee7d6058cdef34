import { describe, expect, it } from 'vitest';
import { sigV4 } from './sig-v4.js';

// The example of AWS's Signature Version 4 test suite: get-vanilla and post-vanilla.
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const NOW = new Date('2015-08-30T12:36:00Z');
const url = new URL('https://example.amazonaws.com/');

describe('Signature Version 4', () => {
  it.each([
    ['GET', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['POST', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  ] as const)('signs %s as the published vector', async (method, signature) => {
    const headers = await sigV4({ method, url, headers: {}, body: '' }, 'service', 'us-east-1', CREDENTIALS, NOW);
    expect(headers).toEqual({
      'x-amz-date': '20150830T123600Z',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    });
  });

  it('signs the session token too', async () => {
    const headers = await sigV4(
      { method: 'POST', url, headers: {}, body: '' },
      'kms',
      'us-east-1',
      { ...CREDENTIALS, sessionToken: 't' },
      NOW,
    );
    expect(headers['authorization']).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token');
    expect(headers['x-amz-security-token']).toBe('t');
  });
});
