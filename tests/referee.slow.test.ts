/** The referee judges any program that speaks its protocol, and copes with programs that do not. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lstm } from '../index';
import { plans } from '../referee/cases';
import { junit } from '../referee/junit';
import { ForeignProgram } from '../referee/program';
import { answerOf } from '../referee/protocol';
import { referee } from '../referee/referee';
import { backstep } from './command';
import { until } from './running';

/** Milliseconds that no answer takes, however busy the machine. */
const PATIENCE = 250_000;
const folder = mkdtempSync(join(tmpdir(), 'backstep-referee-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program in JavaScript: `answer(q)` is called with each question, `say` writes. */
function program(name: string, body: string): string[] {
  const file = join(folder, `${name}.js`);
  writeFileSync(
    file,
    `const say = (text) => process.stdout.write(text);
     require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => answer(JSON.parse(line)));
     function answer(q) {
       const like = (of) => (Array.isArray(of) ? of.map(like) : 0);
       ${body}
     }`,
  );
  return [process.execPath, file];
}

describe('a program that misbehaves', () => {
  const command = program(
    'rude',
    `const { id } = q;
     if (id === 1) return say('\\n');
     if (id === 2) { console.error('segmentation fault'); return process.exit(3); }
     if (id === 3) return say('hello there\\n');
     if (id === 4) return process.stdout.write('{"id":4,"outp', () => process.exit(0));
     if (id === 5) { const output = like(q.dOutput); output[1][0][0] = NaN; return say(JSON.stringify({ id, output }) + '\\n'); }
     if (id === 6) return say(JSON.stringify({ id, output: [[1, 2]] }) + '\\n');
     if (id === 7) { for (let k = 0; k < 40; k++) say('[1,2,'.repeat(200000)); return; }
     if (id === 8) return say(JSON.stringify({ id: 7, output: [] }) + '\\n');
     if (id === 9) return say('{"id":9}\\n{"id":9}\\n');
     if (id === 10) return say(JSON.stringify({ id, gradients: { dWy: [1] } }) + '\\n');
     say(JSON.stringify({ id, skip: 'tired' }) + '\\n');`,
  );

  it('is named for each question, and the next one is asked', async () => {
    const { rows, ok } = await referee(command, lstm, { milliseconds: PATIENCE, seed: 0 });
    expect(ok).toBe(false);
    expect(rows.map(({ verdict, reason }) => `${verdict}: ${reason}`)).toEqual([
      'broken: an answer must be one line of JSON, got an empty line (messages belong on standard error)',
      'broken: it ended with code 3: segmentation fault',
      'broken: an answer must be one line of JSON, got hello there (messages belong on standard error)',
      'broken: it ended with code 0 in the middle of a line',
      expect.stringMatching(/^wrong: output at step 0, row 0, entry 0: 0 where/),
      expect.stringMatching(/^wrong: output at its shape/),
      'broken: a line of more than 33554432 characters',
      'broken: the answer must have the id 8, got 7',
      'broken: more than one line: {"id":9}, then {"id":9} (messages belong on standard error)',
      expect.stringMatching(/^broken: gradients must be among dx, dWx, .*, got dWy$/),
    ]);
  });

  it('is asked no size that the cell refuses while the smallest wrong answer is sought', async () => {
    const command = program('zeros', 'say(JSON.stringify({ id: q.id, output: like(q.dOutput) }) + "\\n");');
    const make = (sizes: { input: number; hidden: number }) => lstm({ ...sizes, gateNorm: true });
    const { smallest } = await referee(command, make, {
      ...{ milliseconds: PATIENCE, seed: 0 },
      plans: plans.slice(0, 1),
    });
    expect(smallest?.plan).toMatchObject({ T: 1, B: 1, D: 1, H: 2 });
  });

  it('that says nothing is ended in time, and the next question is asked of a fresh one', async () => {
    const silent = new ForeignProgram(program('silent', ''), 200);
    for (let k = 0; k < 2; k++) await expect(silent.ask('{}')).rejects.toThrow('no answer within 0.2 s');
    silent.close();
  });

  it('that stops in the middle of a line is ended in time', async () => {
    // the time is up when the half line has come, however long that takes
    const timers = jest.spyOn(globalThis, 'setTimeout').mockImplementation((callback) => {
      timeUp = callback;
      return undefined as never;
    });
    let timeUp = (): void => undefined;
    const half = new ForeignProgram(program('half', `say('{"id":');`), 500);
    const answer = half.ask('{}');
    timers.mockRestore();
    (half as unknown as { child: ChildProcess }).child.stdout?.on('data', () => timeUp());
    await expect(answer).rejects.toThrow('no whole line within 0.5 s');
    half.close();
  });

  it('that leaves children behind is ended with them', async () => {
    const parent = new ForeignProgram(
      program(
        'parent',
        `const c = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)']); say(c.pid + '\\n');`,
      ),
      PATIENCE,
    );
    const pid = Number(await parent.ask('{}'));
    parent.close();
    const alive = (): boolean => {
      try {
        process.kill(pid, 0);
        // a zombie, dead but not yet collected by its parent, counts as gone
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return false;
      }
    };
    await until(() => !alive());
  });

  it('that is none is bad usage', async () => {
    const { status, stderr } = await backstep('referee', '--', join(folder, 'nothing'));
    expect(status).toBe(2);
    expect(stderr).toContain('there is no such program');
  });
});

describe('an answer', () => {
  const line = (fields: object): string => JSON.stringify({ id: 1, ...fields });
  it.each([
    ['', 'an answer must be one line of JSON, got an empty line'],
    ['[1]', 'an answer must be a JSON object'],
    [line({ id: '1' }), 'the answer must have the id 1, got "1"'],
    [line({ error: 'no idea' }), 'the program reports: no idea'],
    [line({ dtype: 'float8' }), 'dtype must be one of float64, float32, float16, bfloat16, got "float8"'],
    [line({ final: { z: [1] } }), 'final must be among h, c, got z'],
    [line({ final: [] }), 'final must be an object'],
    [line({ gradients: 3 }), 'gradients must be an object'],
    [line({ output: 'x' }), 'output must be a list of numbers, got "x"'],
    [line({ output: [[1], [1, 2]] }), /output\[1\] must be a list of 1/],
    [line({ output: [[['a']]] }), /output\[0\]\[0\]\[0\]/],
    [
      `{"id":1,"output":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      /^(output must be lists of at most 3 levels|an answer must be one line)/,
    ],
  ])('number %# is refused in words', (text, message) => {
    expect(() => answerOf(text, 1, ['h', 'c'])).toThrow(message);
  });

  it('may hold NaN and infinities as Python, C and JavaScript write them', () => {
    const valueOf = (text: string) => answerOf(`{"id":1,"output":[[[${text}]]]}`, 1, ['h']).values.output;
    for (const text of ['NaN', 'nan', '-nan', 'null']) expect(valueOf(text)).toEqual([[[NaN]]]);
    for (const text of ['Infinity', 'inf']) expect(valueOf(text)).toEqual([[[Infinity]]]);
    for (const text of ['-Infinity', '-inf']) expect(valueOf(text)).toEqual([[[-Infinity]]]);
  });

  it('may begin with a byte order mark', () =>
    expect(answerOf('\uFEFF{"id":1,"output":[[[1]]]}', 1, ['h']).values).toEqual({ output: [[[1]]] }));
});

describe('the command', () => {
  const wrong = program(
    'wrong',
    `const { id, parameters, dOutput } = q;
     if (q.sizes.T === 30) return say(JSON.stringify({ id, skip: 'too long' }) + '\\n');
     say(JSON.stringify({ id, gradients: { db: like(parameters.b) } }) + '\\n');`,
  );

  it('prints a table, the smallest question that fails, the diagnosis, and exits with 1', async () => {
    const file = join(folder, 'report.xml');
    const { status, stdout } = await backstep('referee', '--cell', 'elman', '--junit', file, '--', ...wrong);
    expect(status).toBe(1);
    expect(stdout).toContain('smallest that fails: T = 1, B = 1, D = 1, H = 1');
    expect(stdout).toContain('diagnosis: one of these, which give the same numbers here:\n');
    expect(stdout).toContain('your db is 0 everywhere: nothing was written to it');
    expect(stdout).toMatch(/many steps +30 +2 +3 +5 +– +– +– +skipped/);
    expect(stdout).toContain('many steps: too long');
    expect(stdout).toContain('0 of 9 answers right; gradients given: db');
    expect(readFileSync(file, 'utf8')).toContain('tests="10" failures="9" errors="0" skipped="1"');
  });

  it('tells the same as JSON, each question on its line', async () => {
    const { stdout } = await backstep('referee', '--cell', 'elman', '--json', '--', ...wrong);
    const lines = stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(lines).toHaveLength(11);
    expect(lines[0]).toMatchObject({ name: 'one step, one row', verdict: 'wrong', judged: ['db'] });
    expect(lines[10]).toMatchObject({ ok: false, smallest: { plan: { T: 1, B: 1, D: 1, H: 1 } } });
    const { line } = lines[10].smallest as { line: string };
    expect(JSON.parse(line)).toMatchObject({ id: 1, cell: 'elman', sizes: { T: 1, B: 1, D: 1, H: 1 } });
  });

  it('is not content with a program that answers nothing', async () => {
    const shy = program('shy', `say(JSON.stringify({ id: q.id, skip: 'no' }) + '\\n');`);
    const { status, stdout } = await backstep('referee', '--', ...shy);
    expect(status).toBe(1);
    expect(stdout).toContain('0 of 0 answers right; no gradients were given');
  });

  it('refuses what it does not know', async () => {
    for (const [words, message] of [
      [['--cell', 'lsmt', '--', 'x'], 'did you mean lstm?'],
      [['--timeout', '0', '--', 'x'], 'referee: --timeout must be a number > 0 and <= 3600, got 0'],
      [[], 'referee: answers must be given, got none'],
    ] as const) {
      const { status, stderr } = await backstep('referee', ...words);
      expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });
});

it('JUnit XML holds what was found, and nothing that XML does not allow', () => {
  const [plan] = plans;
  const xml = junit('my "cell"', {
    ok: false,
    diagnosis: 'a < b & c',
    rows: [
      { name: 'one', plan, verdict: 'ok', judged: [] },
      { name: 'two', plan, verdict: 'wrong', judged: ['dx'], reason: 'dx \u0000 at <0>' },
      { name: 'three', plan, verdict: 'broken', judged: [], reason: 'dead' },
      { name: 'four', plan, verdict: 'skipped', judged: [], reason: 'no' },
    ],
  });
  expect(xml).toContain('tests="4" failures="1" errors="1" skipped="1"');
  expect(xml).toContain('<failure message="dx ? at &#60;0&#62;">a &#60; b &#38; c</failure>');
  expect(xml).toContain('name="backstep referee my &#34;cell&#34;"');
});
