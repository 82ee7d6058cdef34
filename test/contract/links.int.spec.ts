import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '#config';

const pagesUnder = (folder: string): string[] =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
const LINK = /\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)/g;

it('every page that a page links to is there', () => {
  const pages = ['README.md', ...pagesUnder('docs'), ...pagesUnder('ops')];
  const links = pages.flatMap((page) =>
    [...readFileSync(join(packageRoot, page), 'utf8').matchAll(LINK)].map(([, target]) => ({ page, target: target! })),
  );
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter(({ page, target }) => !existsSync(join(packageRoot, dirname(page), target)))).toEqual([]);
});

it('the front page leads to every guide and every reference', () => {
  const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
  const pages = [...pagesUnder('docs/guide'), ...pagesUnder('docs/reference')];
  expect(pages.filter((page) => !readme.includes(`(${page})`))).toEqual([]);
});
