import { describe, expect, it } from 'vitest';
import { createDetector } from '../index.js';

const detector = createDetector(['person', 'street_address']);
const found = (text: string): string[] => detector.scan(text).map(({ type, start, end }) => `${type}:${text.slice(start, end)}`);

describe('names and addresses', () => {
  it.each([
    ['Please ask Mr. Okafor or Dr Jane van Dyke.', ['person:Okafor', 'person:Jane']],
    ["My name is Siobhan O'Neil-Smith, hello", ["person:Siobhan O'Neil-Smith"]],
    ['Mary J. Oyelaran signed, and so did Carlos Núñez.', ['person:Mary J. Oyelaran', 'person:Carlos Núñez']],
    [
      'We live at 1600 Pennsylvania Avenue NW, Apt. 4B, Washington, DC 20500-0003 now',
      ['street_address:1600 Pennsylvania Avenue NW, Apt. 4B, Washington, DC 20500-0003'],
    ],
    ['to 12 St. James Place or 350 5th Ave', ['street_address:12 St. James Place', 'street_address:350 5th Ave']],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  it.each([
    'The Bank of America opened 12 new branches on Monday.',
    'April was cold. Will we go? May we?',
    'in 2024 the Street View team wrote 5 Docs',
    'Customer Service: call Customer Care',
    'class Maria_Db extends MariaDB',
  ])('leave alone: %s', (text) => {
    expect(found(text)).toEqual([]);
  });
});
