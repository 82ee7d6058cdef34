import type { Verdict } from '../model/verdict.js';

/** What pages are made of. Composition (model -> blocks) knows no geometry; drawing (blocks -> PDF) knows no evidence. */
export type Block =
  | HeadingBlock
  | ParagraphBlock
  | ListBlock
  | TableBlock
  | CodeBlock
  | ChartBlock
  | BannerBlock
  | StripBlock
  | PageBlock
  | ContentsBlock
  | TitleBlock;

export interface HeadingBlock {
  readonly t: 'heading';
  readonly level: 1 | 2 | 3;
  readonly text: string;
  /** Shown as a coloured label after the heading. */
  readonly verdict?: Verdict;
}

export interface ParagraphBlock {
  readonly t: 'paragraph';
  readonly text: string;
  readonly style?: 'normal' | 'muted' | 'label' | 'strong';
}

export interface ListBlock {
  readonly t: 'list';
  readonly items: readonly string[];
}

export interface ColumnSpec {
  readonly label: string;
  /** Share of the width. */
  readonly weight: number;
  readonly align?: 'left' | 'right';
  readonly mono?: boolean;
}

export interface TableBlock {
  readonly t: 'table';
  readonly caption: string;
  readonly columns: readonly ColumnSpec[];
  readonly rows: readonly (readonly string[])[];
  /** First column heads its row. */
  readonly rowHeaders?: boolean;
  /** Least height of a row in points, for boxes people write in. */
  readonly minRowHeight?: number;
  /** Rows without a line of headings: label and value. */
  readonly plain?: boolean;
}

export interface CodeBlock {
  readonly t: 'code';
  readonly text: string;
}

export interface ChartBlock {
  readonly t: 'chart';
  readonly kind: 'stacked' | 'bars' | 'lines';
  readonly title: string;
  readonly unit: string;
  readonly categories: readonly string[];
  readonly series: readonly { readonly label: string; readonly values: readonly number[] }[];
  /** Says in words what the drawing shows. */
  readonly alt: string;
}

export interface BannerBlock {
  readonly t: 'banner';
  readonly tone: 'alarm' | 'caution' | 'calm';
  readonly title: string;
  readonly text: string;
}

/** One box per verdict with its count. */
export interface StripBlock {
  readonly t: 'strip';
  readonly counts: Readonly<Record<Verdict, number>>;
}

export interface PageBlock {
  readonly t: 'page';
}

export interface ContentsBlock {
  readonly t: 'contents';
}

export interface TitleBlock {
  readonly t: 'title';
  readonly over: string;
  readonly title: string;
  readonly under: string;
}

/** A section of the packet: starts on a page of its own when `newPage`. */
export interface Section {
  readonly title: string;
  readonly newPage: boolean;
  readonly blocks: readonly Block[];
}
