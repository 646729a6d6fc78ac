/** The languages of the page: catalogues are complete, and messages that a learner meets are translated. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { optimizerNames } from '../bptt/train/updates';
import { intervalInWords, settingInWords } from '../core/setting';
import { kinds } from '../cells/kinds';
import { derivationOf, exerciseNames } from '../playground/engine/derive';
import { checkCell, repairsOf } from '../playground/engine/own';
import { leaky } from '../playground/engine/leaky';
import { Session } from '../playground/engine/session';
import {
  embeddedLink,
  fromLink,
  languageOf,
  linkIn,
  pageSettings,
  settingsFor,
} from '../playground/engine/settings';
import { en } from '../playground/languages/en';
import { languageNames, preferredOf } from '../playground/languages/names';
import { engineSays, listed, nameOf, say, speak, translated, type Key } from '../playground/languages/say';
import { zh } from '../playground/languages/zh';

const placeholders = (text: string): string[] =>
  [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
/** A text without its placeholders. */
const fixed = (text: string): string => text.replace(/\{\w+\}/g, '');
const hasWords = (text: string): boolean => /\p{L}{2}/u.test(fixed(text));
/** English words that no name of a quantity, file or project contains. */
const english = /\b(the|is|are|of|with|without|your|ours|must|got|step|row)\b/;

afterEach(() => speak(undefined));

describe('the Chinese catalogue', () => {
  const keys = Object.keys(en) as Key[];

  test('has exactly the texts of the English one, each translated and with its placeholders', () => {
    expect(Object.keys(zh.words).sort()).toEqual([...keys].sort());
    for (const key of keys) {
      expect([key, placeholders(zh.words[key])]).toEqual([key, placeholders(en[key])]);
      if (!hasWords(en[key])) continue;
      expect(zh.words[key]).not.toBe(en[key]);
      expect(fixed(zh.words[key])).not.toMatch(english);
    }
  });

  test('has a name for every setting, cell, optimizer, exercise and real mistake', () => {
    const mistakes = readdirSync(join(__dirname, '..', 'examples', 'mistakes'))
      .filter((file) => file.endsWith('.txt'))
      .map((file) => file.replace('.txt', ''));
    const settings = Object.keys(pageSettings);
    const registered = {
      ...{ setting: settings, help: settings, cell: kinds.names, optimizer: optimizerNames() },
      ...{ exercise: exerciseNames, subject: exerciseNames, mistake: mistakes, harm: mistakes },
    };
    for (const [registry, names] of Object.entries(registered))
      expect([registry, Object.keys(zh.names[registry as keyof typeof registered]).sort()]).toEqual([
        registry,
        [...names].sort(),
      ]);
  });

  test('a thing that a user registers keeps its English name', () => {
    speak(zh);
    expect(nameOf('cell', 'gru', 'GRU')).toBe('GRU（门控循环单元）');
    expect(nameOf('cell', 'mine', 'My cell')).toBe('My cell');
    expect(nameOf('cell', 'constructor', 'Constructor')).toBe('Constructor');
  });

  test('messages have their placeholders, and are those that the engine writes', () => {
    const sources = ['core', 'cells', 'bptt', 'text', 'referee', 'tasks', 'playground/engine']
      .flatMap((room) =>
        readdirSync(join(__dirname, '..', room), { recursive: true, encoding: 'utf8' }).flatMap((file) =>
          file.endsWith('.ts') ? [readFileSync(join(__dirname, '..', room, file), 'utf8')] : [],
        ),
      )
      .join('\n');
    for (const [message, own] of zh.messages) {
      expect([message, placeholders(own)]).toEqual([message, placeholders(message)]);
      const words = message.split(/\{\w+\}|\n/).flatMap((piece) => piece.match(/[A-Za-z]{4,}/g) ?? []);
      for (const word of words)
        expect([message, word, sources.includes(word)]).toEqual([message, word, true]);
    }
  });
});

describe('what is said', () => {
  test('placeholders are filled, in both languages', () => {
    expect(say('flow.half', { steps: '3.00' })).toBe('half after 3.00 steps');
    expect(listed(['dhOut', 'dhNext'])).toBe('dhOut and dhNext');
    expect(engineSays('lstm, step 3: odd')).toBe('lstm, step 3: odd');
    speak(zh);
    expect(say('flow.half', { steps: '3.00' })).toBe('3.00 步后减半');
    expect(listed(['dhOut', 'dhNext'])).toBe('dhOut、dhNext');
    expect(engineSays('lstm, step 3: odd')).toBe('引擎的英文说明：lstm, step 3: odd');
  });

  test('what settings must be is translated', () => {
    speak(zh);
    for (const setting of Object.values(pageSettings))
      if (setting.kind === 'number') expect(translated(settingInWords(setting))).not.toMatch(english);
    expect(translated(settingInWords(pageSettings.clip))).toBe('大于 0 且不超过 1000 的数，或 off');
    expect(translated(intervalInWords({ whole: true, least: 4, most: 256 }))).toBe('4 … 256 之间的整数');
  });

  test('every error in the text of a cell is translated', () => {
    speak(zh);
    const change = (from: string | RegExp, to: string): string => leaky.replace(from, to);
    const texts = [
      ...['', 'hello', change('cell leaky', ''), leaky.split('backward')[0], leaky.replace(/^ {2}/gm, '')],
      ...[change('x [D]', 'x [Q]'), change('parameters Wx', 'parameters Wq'), change('tanh(', 'tan(')],
      ...[
        `${leaky}\nfoo\n  a = 1`,
        `${leaky}\nforward\n  h = x`,
        change('forward\n', 'forward\n  h = hPrev\n'),
      ],
      ...[/^ *dx .*$/m, /^ *dhPrev.*$/m, /^ *dWx.*$/m, /^ *h = .*$/m].map((line) => change(line, '')),
      ...[change('h = 0.9', 'h = q + 0.9'), change('0.9 * hPrev', 'hPrev ^ 2'), change('(', '（')],
      ...[`${leaky}\n  Wq zeros`, change('orthogonal', 'orthogonl'), change('states h [H]', '')],
      ...[
        change('tanh(', 'tanh(h + '),
        change('n = tanh', `${'a'.repeat(65)} = tanh`),
        `${leaky}${'#'.repeat(200_000)}`,
      ],
      ...[
        change('h = 0.9', 'h = 0.9 *'),
        change('db += sum(dz)', 'db += dz'),
        change('dz @ Wx.T', 'dz @ Wx'),
      ],
      ...[change('x [D]', 'x [D] u [D]'), change('b [H]', 'b [H] w [H]'), change('h [H]', 'h [H, H]')],
    ];
    const reasons = texts.map((text) => checkCell(text).error?.reason ?? text);
    expect(reasons.filter((reason, k) => reason === texts[k])).toEqual([]);
    // quoted text is the reader's own
    const isEnglish = (reason: string): boolean =>
      translated(reason) === reason || english.test(translated(reason).replace(/“[^”]*”/g, ''));
    expect(reasons.filter(isEnglish)).toEqual([]);
  });

  test('runs that cannot begin or go on say why', () => {
    speak(zh);
    const why = (settings: Partial<ReturnType<typeof settingsFor>>, task = 'text' as const): string => {
      try {
        const session = new Session({ ...settingsFor(task), ...settings });
        for (;;) session.step();
      } catch (error) {
        return engineSays((error as Error).message);
      }
    };
    expect(why({ text: '' })).toBe('文本不能为空。');
    expect(why({ text: 'short' })).toMatch(/^文本至少要有 513 个字符，现在只有 5 个/);
    const diverges = { task: 'sine', cell: 'jordan', optimizer: 'sgd', lr: 10, clip: 'off' } as const;
    expect(why(diverges)).toMatch(/^jordan 在第 \d+ 步.*请减小学习率，或打开梯度裁剪。$/);
  });
});

describe('judgements and errors that a learner meets', () => {
  const right = 'dh = dhOut + dhNext\ndz = dh * (1 - h * h)';

  test.each([
    ['elman', 'dh = dhOut'],
    ['elman', 'dh = dhOut - dhNext'],
    ['elman', 'dh = 2 * dhOut + dhNext'],
    ['elman', 'dh = dhOut + dhNext\ndz = dh * (1 - h)'],
    ['elman', `${right}\ndWx = x.T @ dz`],
    ['elman', `${right}\ndWx += x.T @ dh`],
    ['elman', `${right}\ndx = dz @ Wx`],
    ['elman', `${right}\ndhPrev = dz @ Wh`],
    ['elman', `${right}\ndb += -1 * sum(dz)`],
    ['elman', 'dh = dhOut + dhNextt'],
    ['elman', 'dh = dhOut + x'],
    ['elman', 'dh = tahn(h)'],
    ['elman', 'h = dhOut'],
    ['elman', 'dh = (dhOut'],
    ['elman', 'dh = dhOut)'],
    ['elman', 'dh = '],
    ['elman', 'dh'],
    ['elman', 'dh + 1'],
    ['elman', '1 = dh'],
    ['elman', 'dh = dhOut dhNext'],
    ['elman', 'dh = max(dhOut)'],
    ['elman', 'dh = dhOut % 2'],
    ['attention', 'dh = dhOut + dhNext\ndE += dscore.T @ hPrev'],
    ['softmax', 'dh = dhOut + dhNext\ndhPrev = -1 * dh * p'],
  ])('%s, %j', (exercise, text) => {
    speak(zh);
    for (const level of ['quantity', 'kind', 'correction'] as const) {
      const hints = derivationOf(exercise)
        .judge(text, level)
        .lines.flatMap(({ hint }) => (hint === undefined ? [] : [translated(hint)]));
      expect(hints.length).toBeGreaterThan(0);
      for (const hint of hints) {
        expect(hint).toMatch(/\p{Script=Han}/u);
        expect(hint).not.toMatch(english);
      }
    }
  });

  test.each([
    ['dhOut', 'dhOot'],
    ['cell leaky', 'leaky'],
    ['forward', 'forwards'],
    ['backward\n', ''],
    ['n = tanh(x @ Wx + hPrev @ Wh + b)', 'n = tanh(x @ Wh)'],
    ['Wh orthogonal', 'Wx2 orthogonal'],
    ['0.9 * dh', 'dh.T'],
  ])('a cell with %j in place of %j', (old, other) => {
    speak(zh);
    const { error } = checkCell(leaky.replace(old, other));
    const reason = translated(error?.reason ?? '');
    expect(reason).toMatch(/\p{Script=Han}/u);
    expect(reason).not.toMatch(english);
  });

  test('a repair of a cell', () => {
    speak(zh);
    const [found] = repairsOf(leaky.replace(' + dz @ Wh.T', ''));
    expect(translated(found)).toBe('第 14 行：dhPrev = 0.9 * dh 加上 `+ dz @ Wh.T` 就正确了');
  });
});

describe('the language of a link', () => {
  test('is that of the link, in whole and embedded pages', () => {
    for (const name of languageNames) {
      const link = linkIn(name, 'task=sine');
      expect([languageOf(link), languageOf(`#${embeddedLink(link)}`)]).toEqual([name, name]);
      expect(fromLink(link)).toEqual({ settings: settingsFor('sine'), tab: 'train', wrong: [] });
    }
    expect(languageOf('task=sine')).toBeUndefined();
    expect(languageOf('lang=constructor')).toBeUndefined();
    expect(fromLink('lang=tlh').wrong).toEqual(['lang: tlh']);
  });

  test('the first that a browser prefers and the page speaks', () => {
    expect(preferredOf(['zh-CN', 'en'])).toBe('zh');
    expect(preferredOf(['fr-FR', 'zh-Hans-SG'])).toBe('zh');
    expect(preferredOf(['en-GB', 'zh'])).toBe('en');
    expect(preferredOf(['fr'])).toBe('en');
    expect(preferredOf([])).toBe('en');
  });
});
