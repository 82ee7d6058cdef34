import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '#config';
import { AffiantError, isAffiantError, toAffiantError } from './affiant-error.js';
import { ERROR_CODES } from './codes.js';
import { errorReference } from './reference.js';

const squeeze = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');

describe('error codes', () => {
  it('are all documented, as they are', () => {
    const page = squeeze(readFileSync(join(packageRoot, 'docs/reference/errors.md'), 'utf8'));
    for (const line of squeeze(errorReference()).trim().split('\n')) expect(page).toContain(line);
  });

  it('say in plain words what to do', () => {
    for (const [code, { status, meaning, remedy }] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(meaning).toMatch(/\.$/);
      expect(remedy).toMatch(/\.$/);
    }
  });
});

describe('AffiantError', () => {
  it('carries code, place, remedy and cause, and never its cause in JSON', () => {
    const cause = new Error('inner');
    const error = new AffiantError('config_invalid', 'unknown key', { where: 'affiant.yaml:3:5', cause });
    expect(error.cause).toBe(cause);
    expect(error.toJSON()).toEqual({
      code: 'config_invalid',
      message: 'unknown key',
      where: 'affiant.yaml:3:5',
      remedy: ERROR_CODES.config_invalid.remedy,
    });
    expect(toAffiantError(error, 'internal', 'x')).toBe(error);
    expect(isAffiantError(toAffiantError(cause, 'internal', 'x'))).toBe(true);
  });
});
