// Independent judges for packets: node test/contract/judges/run.mjs FILES…
// veraPDF (PDF/A-3a and PDF/UA-1, both must be in its report), qpdf --check, poppler's reading order, and the attachment rules nobody
// else checks. Ends with `N passed, N failed`. A judge that is missing is named; with CI=true that is a failure.
import { resolve } from 'node:path';
import { attachmentProblems } from './attachments.mjs';
import { ensureDebian } from '../../support/tools.mjs';
import { findVeraPdf, has, run } from './tools.mjs';

const PROFILES = ['PDF/A-3a', 'PDF/UA-1'];
const files = process.argv.slice(2).map((file) => resolve(file));
let passed = 0;
let failed = 0;

function verdict(file, judge, problems) {
  if (problems.length === 0) passed++;
  else failed++;
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${judge.padEnd(18)} ${file}`);
  for (const problem of problems.slice(0, 12)) console.log(`         ${problem}`);
}

function missing(judge, reason) {
  console.log(`MISSING JUDGE ${judge}: ${reason}`);
  if (process.env.CI === 'true') failed++;
}

/** One process for all files: starting it costs more than judging. */
function judgeByVeraPdf() {
  const { path, reason } = findVeraPdf();
  if (path === null) return missing('veraPDF', reason);
  const answer = run('java', ['-jar', path, '--format', 'json', ...files]);
  let jobs;
  try {
    jobs = JSON.parse(answer.stdout).report.jobs;
  } catch {
    for (const file of files)
      for (const profile of PROFILES) verdict(file, `veraPDF ${profile}`, [`no report: ${answer.stderr.slice(0, 300)}`]);
    return;
  }
  for (const file of files) {
    const results = jobs.find((job) => job.itemDetails.name === file)?.validationResult ?? [];
    for (const profile of PROFILES) {
      const result = results.find(({ profileName }) => profileName?.startsWith(`${profile} `));
      const rules = result?.details?.ruleSummaries ?? [];
      const problems = rules.map((rule) => `${rule.clause}-${rule.testNumber}: ${rule.description} (${rule.failedChecks})`);
      if (result === undefined) problems.push('this profile is not in the report: the file does not claim it');
      else if (!result.compliant && problems.length === 0) problems.push(result.jobEndStatus ?? 'not conforming');
      verdict(file, `veraPDF ${profile}`, problems);
    }
  }
}

function judgeByQpdf() {
  if (!ensureDebian(() => has('qpdf'), ['qpdf'])) return missing('qpdf', 'not installed, and it cannot be installed here');
  for (const file of files) {
    const answer = run('qpdf', ['--check', file]);
    verdict(file, 'qpdf --check', answer.status === 0 ? [] : (answer.stdout + answer.stderr).trim().split('\n').slice(-5));
  }
}

/** Text comes out in the order of the pages, and the structure tree has headings, tables with headings, and figures. */
function judgeByPoppler() {
  if (!ensureDebian(() => has('pdfinfo'), ['poppler-utils'])) return missing('poppler', 'not installed, and it cannot be installed here');
  for (const file of files) {
    const text = run('pdftotext', [file, '-']).stdout;
    const problems = [];
    const marks = ['Evidence packet', 'Contents', 'Appendix C: Crosswalk', 'declare under penalty'];
    const places = marks.map((mark) => text.indexOf(mark));
    if (places.some((place, index) => place < 0 || (index > 0 && place < (places[index - 1] ?? 0))))
      problems.push('the text does not come out in the order of the pages');
    const structure = run('pdfinfo', ['-struct', file]).stdout;
    for (const tag of ['H1', 'H2', 'TH', 'Figure', 'LBody'])
      if (!new RegExp(`^\\s*${tag}\\b`, 'm').test(structure)) problems.push(`no ${tag} in the structure tree`);
    verdict(file, 'poppler reading', problems);
  }
}

async function judgeAttachments() {
  for (const file of files) verdict(file, 'attachment rules', await attachmentProblems(file).catch((error) => [String(error.message)]));
}

if (files.length === 0) {
  console.error('usage: node test/contract/judges/run.mjs FILES…');
  process.exit(2);
}
judgeByVeraPdf();
judgeByQpdf();
judgeByPoppler();
await judgeAttachments();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
