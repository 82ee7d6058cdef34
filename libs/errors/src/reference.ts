import { ERROR_CODES } from './codes.js';

/** The table of docs/reference/errors.md; a test proves the file current. */
export function errorReference(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { status, meaning, remedy }]) => `| \`${code}\` | ${status} | ${meaning} | ${remedy} |`,
  );
  return ['| code | HTTP status | meaning | what to do |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}
