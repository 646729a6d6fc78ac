/** Writes a referee's report as JUnit XML, which build servers read. */
import type { RefereeRow, RefereeReport } from './referee';

const escaped = (text: string): string =>
  text
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
    // XML allows neither control characters nor unpaired surrogates
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '?');

/** A test suite with a test case for each question; the first failure contains the diagnosis. */
export function junit(suite: string, { rows, diagnosis, smallest }: RefereeReport): string {
  const count = (verdict: RefereeRow['verdict']): number =>
    rows.filter((row) => row.verdict === verdict).length;
  const first = rows.findIndex(({ verdict }) => verdict === 'wrong');
  const cases = rows.map(({ name, verdict, reason = '' }, k) => {
    const head = `    <testcase classname="${escaped(suite)}" name="${escaped(name)}"`;
    if (verdict === 'ok') return `${head}/>`;
    if (verdict === 'skipped' || verdict === 'undecided')
      return `${head}><skipped message="${escaped(reason)}"/></testcase>`;
    const more = k === first ? [diagnosis, smallest && `smallest: ${smallest.sizes}\n${smallest.line}`] : [];
    const body = escaped(more.filter(Boolean).join('\n'));
    const element = verdict === 'wrong' ? 'failure' : 'error';
    return `${head}><${element} message="${escaped(reason)}">${body}</${element}></testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite name="${escaped(`backstep referee ${suite}`)}" tests="${rows.length}" failures="${count('wrong')}" errors="${count('broken')}" skipped="${count('skipped') + count('undecided')}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}
