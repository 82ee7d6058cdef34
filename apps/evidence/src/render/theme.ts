import { join } from 'node:path';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Verdict } from '../model/verdict.js';

const fonts = join(dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')), 'ttf');

/** Embedded fonts: PDF/A allows no others. */
export const FONTS = {
  body: join(fonts, 'DejaVuSansCondensed.ttf'),
  bold: join(fonts, 'DejaVuSansCondensed-Bold.ttf'),
  oblique: join(fonts, 'DejaVuSansCondensed-Oblique.ttf'),
  mono: join(fonts, 'DejaVuSansMono.ttf'),
} as const;

export type FontName = keyof typeof FONTS;

/** US Letter, points. */
export const PAGE = { width: 612, height: 792, left: 54, right: 54, top: 66, bottom: 60 } as const;

export const CONTENT_WIDTH = PAGE.width - PAGE.left - PAGE.right;

export const INK = {
  text: '#1c2430',
  muted: '#55606e',
  rule: '#c4cbd4',
  head: '#e9edf2',
  zebra: '#f6f8fa',
  accent: '#1f3a5f',
  paper: '#ffffff',
} as const;

/** Never colour alone: every verdict has a sign of its own. */
export const VERDICT_STYLE: Readonly<Record<Verdict, { readonly ink: string; readonly wash: string; readonly sign: string }>> = {
  PASS: { ink: '#14532d', wash: '#e3f1e7', sign: '✔' },
  FINDING: { ink: '#8c1515', wash: '#fbe6e4', sign: '▲' },
  INCONCLUSIVE: { ink: '#7a4a00', wash: '#fdf1dc', sign: '◆' },
  'NO ACTIVITY': { ink: '#3d4754', wash: '#eceff3', sign: '○' },
  'NOT APPLICABLE': { ink: '#3d4754', wash: '#eceff3', sign: '–' },
  MANUAL: { ink: '#23407a', wash: '#e4ebf8', sign: '✎' },
};

export const TONE_STYLE = {
  alarm: { ink: '#8c1515', wash: '#fbe6e4', sign: '▲' },
  caution: { ink: '#7a4a00', wash: '#fdf1dc', sign: '◆' },
  calm: { ink: '#1f3a5f', wash: '#e9eff7', sign: '●' },
} as const;

/** Fill and hatch of chart series: told apart in grey, too. */
export const SERIES_STYLE = [
  { fill: '#35618f', hatch: 'none' },
  { fill: '#e0b04c', hatch: 'diagonal' },
  { fill: '#7a5195', hatch: 'horizontal' },
  { fill: '#b5413a', hatch: 'cross' },
  { fill: '#9aa5b1', hatch: 'vertical' },
] as const;
